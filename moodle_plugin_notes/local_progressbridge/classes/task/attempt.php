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

namespace local_progressbridge\task;

use core\task\adhoc_task;
use local_progressbridge\failure;
use local_progressbridge\state;

/**
 * What the adhoc tasks have in common: Moodle tries again what failed, up to its last attempt.
 *
 * A task without attempts left stays in the queue for weeks and, being equal, keeps new ones from being queued
 * (\core\task\manager::queue_adhoc_task). So the last attempt does not fail: the reconciliation takes over.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
abstract class attempt extends adhoc_task {
    /**
     * Do what the task is for.
     *
     * @throws failure
     */
    abstract protected function work(): void;

    #[\Override]
    public function execute(): void {
        $pause = state::paused_until();
        if ($pause !== null) {
            mtrace(get_string('task:paused', 'local_progressbridge', userdate($pause)));
            return;
        }
        try {
            $this->work();
        } catch (failure $failure) {
            state::failed($failure);
            $attempts = $this->get_attempts_available();
            if ($attempts !== null && $attempts <= 1) {
                mtrace($failure->getMessage());
                return;
            }
            throw $failure;
        }
    }
}
