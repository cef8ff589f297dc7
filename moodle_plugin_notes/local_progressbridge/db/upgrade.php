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
 * Upgrade steps.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

/**
 * Bring an installed plugin to this version.
 *
 * @param int $oldversion the version that is installed
 * @return bool
 */
function xmldb_local_progressbridge_upgrade(int $oldversion): bool {
    // No step yet: 2026112200 is the first version. A step looks at $oldversion, changes the tables
    // and ends with upgrade_plugin_savepoint(true, <its version>, 'local', 'progressbridge').
    return true;
}
