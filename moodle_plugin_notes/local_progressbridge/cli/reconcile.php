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
 * Sends everything that is not yet sent, now: what the scheduled task does in many runs.
 *
 * For the history of an old site, or after a long outage. It can be stopped and started again at any time.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

use local_progressbridge\connection_test;
use local_progressbridge\failure;
use local_progressbridge\ledger;
use local_progressbridge\reconciliation;
use local_progressbridge\state;

define('CLI_SCRIPT', true);

require(__DIR__ . '/../../../config.php');
require_once($CFG->libdir . '/clilib.php');

[$options, $unknown] = cli_get_params(['help' => false, 'again' => false], ['h' => 'help', 'a' => 'again']);
if ($unknown) {
    cli_error(get_string('cliunknowoption', 'core_admin', implode(', ', $unknown)), 2);
}
if ($options['help']) {
    cli_writeln(get_string('cli:help', 'local_progressbridge'));
    exit(0);
}
if ($options['again']) {
    state::walked_to(0);
}
try {
    $reconciliation = new reconciliation();
    do {
        $finished = $reconciliation->run();
        cli_writeln(get_string('cli:progress', 'local_progressbridge', ledger::count(ledger::ACKNOWLEDGED)));
    } while (!$finished);
    connection_test::run_after_failure();
} catch (failure $failure) {
    state::failed($failure);
    cli_error($failure->getMessage());
}
