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

namespace local_progressbridge;

use core_completion\cm_completion_details;

/**
 * Asks Moodle whether it calls an activity done: the plugin has no idea of its own.
 *
 * With "receive any grade" a failing grade is done (state 3), with "receive a passing grade" it is not. Moodle's
 * answer depends on the activity and the state alone, so it is asked once for each two.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class overall_completion {
    /** @var bool[] what Moodle said, by activity and state */
    private array $said = [];

    /**
     * Tell whether Moodle calls the activity done for the learner.
     *
     * @param \stdClass $row cmid, courseid, userid, completionstate
     * @return bool false also where Moodle cannot say: the next walk asks again
     */
    public function is_complete(\stdClass $row): bool {
        $key = "{$row->cmid}:{$row->completionstate}";
        if (isset($this->said[$key])) {
            return $this->said[$key];
        }
        try {
            $details = self::details($row);
        } catch (\Throwable $failure) {
            // The code of another plugin, whose fault must hold up nobody else's activities.
            debugging("local_progressbridge: activity {$row->cmid}: {$failure->getMessage()}", DEBUG_NORMAL);
            return false;
        }
        $complete = $details !== null && $details->is_overall_complete();
        if ($details === null || $details->get_overall_completion() === (int) $row->completionstate) {
            $this->said[$key] = $complete; // Else the learner's state has changed since the row was read.
        }
        return $complete;
    }

    /**
     * Find what Moodle knows of a learner's completion of an activity.
     *
     * @param \stdClass $row cmid, courseid, userid
     * @return cm_completion_details|null null when Moodle shows no such activity, as of a disabled module
     */
    private static function details(\stdClass $row): ?cm_completion_details {
        global $CFG;
        require_once($CFG->libdir . '/completionlib.php'); // A task does not load it.
        $cm = get_fast_modinfo((int) $row->courseid, -1)->get_cms()[$row->cmid] ?? null;
        return $cm === null ? null : cm_completion_details::get_instance($cm, (int) $row->userid, false);
    }
}
