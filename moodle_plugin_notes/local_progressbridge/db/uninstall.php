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
 * What happens before Moodle removes the plugin's tables.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

use core\output\notification;
use local_progressbridge\uninstallation;

/**
 * Erase the learners that wait to be erased from the bridge, and name those that cannot be.
 *
 * Nobody else knows of them.
 *
 * @return bool
 */
function xmldb_local_progressbridge_uninstall(): bool {
    global $OUTPUT;
    $words = uninstallation::erase_waiting();
    if ($words !== null) {
        $ishtml = !CLI_SCRIPT;
        echo $ishtml ? $OUTPUT->notification(s($words), notification::NOTIFY_WARNING, false) : $words . "\n";
    }
    return true;
}
