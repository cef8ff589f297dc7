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

use core\event\course_module_completion_updated;
use core\event\user_deleted;
use core\task\manager;

/**
 * Hears of completions and of deleted users, and queues: no network, and a handful of small queries.
 *
 * Whatever fails here is not the page's business: it is told to developers, and the reconciliation finds what was
 * not queued.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class observer {
    /** @var int COMPLETION_TRACKING_MANUAL of lib/completionlib.php: a box that the learner ticks */
    private const MANUAL = 1;

    /**
     * Note the learner's completion of an activity, or take it back when it is unticked.
     *
     * The learner is relateduserid: userid is whoever acted, and 0 when a grade arrived by itself.
     *
     * @param course_module_completion_updated $event
     */
    public static function completion_updated(course_module_completion_updated $event): void {
        if (!client::is_configured()) {
            return;
        }
        self::quietly(function () use ($event): void {
            $cmid = (int) $event->contextinstanceid;
            $userid = (int) $event->relateduserid;
            if ((int) ($event->other['completionstate'] ?? 0) !== 0) {
                self::note($cmid, $userid);
            } else if (self::is_unticked($event)) {
                ledger::take_back($cmid, $userid);
            }
        });
    }

    /**
     * Queue the erasure of a deleted user.
     *
     * @param user_deleted $event
     */
    public static function user_deleted(user_deleted $event): void {
        if (!client::is_configured()) {
            return;
        }
        self::quietly(function () use ($event): void {
            eraser::request((int) $event->objectid);
            manager::queue_adhoc_task(new task\erase(), true);
        });
    }

    /**
     * Note a completion in the ledger, and queue the task that sends it.
     *
     * @param int $cmid
     * @param int $userid
     */
    private static function note(int $cmid, int $userid): void {
        $rows = (new completions(new scope()))->of_learner($cmid, $userid);
        if ($rows) {
            ledger::note($rows);
            manager::queue_adhoc_task(new task\send(), true);
        }
    }

    /**
     * Tell whether somebody unticked the activity: the learner in their box, or a teacher who overrode it.
     *
     * Any other way back is none: resets and recalculations say that Moodle starts anew, not that nothing was learned.
     *
     * @param course_module_completion_updated $event with the state 0
     * @return bool
     */
    private static function is_unticked(course_module_completion_updated $event): bool {
        global $DB;
        if (!empty($event->other['overrideby'])) {
            return true;
        }
        $tracking = $DB->get_field('course_modules', 'completion', ['id' => (int) $event->contextinstanceid]);
        return (int) $tracking === self::MANUAL;
    }

    /**
     * Run a function whose failure is only told to developers.
     *
     * @param callable $queue
     */
    private static function quietly(callable $queue): void {
        try {
            $queue();
        } catch (\Throwable $failure) {
            debugging('local_progressbridge could not queue: ' . $failure->getMessage(), DEBUG_NORMAL);
        }
    }
}
