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
    /**
     * Queue the learner's completion of an activity.
     *
     * The learner is relateduserid: userid is whoever acted, and 0 when a grade arrived by itself. What the
     * activity's state is, and whether it is sent at all, is looked up when it is sent.
     *
     * @param course_module_completion_updated $event
     */
    public static function completion_updated(course_module_completion_updated $event): void {
        $state = (int) ($event->other['completionstate'] ?? 0);
        if (!in_array($state, completions::STATES, true) || !client::is_configured()) {
            return;
        }
        self::quietly(function () use ($event): void {
            if (ledger::queue((int) $event->contextinstanceid, (int) $event->relateduserid)) {
                manager::queue_adhoc_task(new task\send(), true);
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
     * Do it; a failure is only told to developers.
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
