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
 * The status page: what arrived, what waits, what is refused, with a button to try again.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

use core\output\notification;
use core\task\manager;
use local_progressbridge\ledger;
use local_progressbridge\output\status_page;
use local_progressbridge\task\send;

require(__DIR__ . '/../../config.php');
require_once($CFG->libdir . '/adminlib.php');

// Asks for a login and for moodle/site:config.
admin_externalpage_setup('local_progressbridge_status');

// The buttons; each one's value is an activity's id, or -1 for all.
$actions = [
    'retry' => fn(int $cmid) => ledger::retry($cmid === -1 ? null : $cmid),
    'asoftoday' => ledger::record_as_of_today(...),
    'forget' => ledger::forget_gone(...),
];
foreach ($actions as $name => $action) {
    $cmid = optional_param($name, 0, PARAM_INT);
    if (!$cmid) {
        continue;
    }
    require_sesskey();
    $action($cmid);
    if ($name === 'forget') {
        $done = get_string('forgotten', 'local_progressbridge');
    } else {
        manager::queue_adhoc_task(new send(), true);
        $done = get_string('retried', 'local_progressbridge');
    }
    redirect($PAGE->url, $done, null, notification::NOTIFY_SUCCESS);
}

echo $OUTPUT->header();
echo $OUTPUT->heading(get_string('status', 'local_progressbridge'));
echo $OUTPUT->render_from_template('local_progressbridge/status', (new status_page())->export_for_template($OUTPUT));
echo $OUTPUT->footer();
