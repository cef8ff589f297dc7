<?php
// This file is part of Moodle - https://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <https://www.gnu.org/licenses/>.

/**
 * Tests the connection to the bridge, and says in words what is wrong.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

use local_progressbridge\connection_test;

require(__DIR__ . '/../../config.php');
require_once($CFG->libdir . '/adminlib.php');

// Asks for a login and for moodle/site:config.
admin_externalpage_setup('local_progressbridge_connection');

$context = [
    'url' => (new moodle_url('/local/progressbridge/connection.php'))->out(false),
    'statusurl' => (new moodle_url('/local/progressbridge/status.php'))->out(false),
    'sesskey' => sesskey(),
];
if (optional_param('test', false, PARAM_BOOL)) {
    require_sesskey();
    \core\session\manager::write_close(); // The bridge may take its time; the administrator's other pages need not.
    $test = new connection_test();
    $context += ['tested' => true, 'passed' => $test->passed, 'findings' => $test->findings];
}

echo $OUTPUT->header();
echo $OUTPUT->heading(get_string('connection', 'local_progressbridge'));
echo $OUTPUT->render_from_template('local_progressbridge/connection', $context);
echo $OUTPUT->footer();
