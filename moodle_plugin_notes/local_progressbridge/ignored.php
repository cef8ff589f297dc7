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
 * The page of ignored activities: those of which nothing is sent, and why.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

use local_progressbridge\output\ignored_page;

require(__DIR__ . '/../../config.php');
require_once($CFG->libdir . '/adminlib.php');

// Asks for a login and for moodle/site:config.
admin_externalpage_setup('local_progressbridge_ignored');

$page = new ignored_page(max(0, optional_param('page', 0, PARAM_INT)));

echo $OUTPUT->header();
echo $OUTPUT->heading(get_string('ignored', 'local_progressbridge'));
echo $OUTPUT->render_from_template('local_progressbridge/ignored', $page->export_for_template($OUTPUT));
echo $OUTPUT->footer();
