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

use core\task\scheduled_task;
use local_progressbridge\client;
use local_progressbridge\connection_test;
use local_progressbridge\failure;
use local_progressbridge\reconciliation;
use local_progressbridge\state;

/**
 * Sends what no event announced and what adhoc tasks gave up, a stretch in each run.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class reconcile extends scheduled_task {
    #[\Override]
    public function get_name(): string {
        return get_string('task:reconcile', 'local_progressbridge');
    }

    /**
     * Run the reconciliation once.
     *
     * A bridge that is down does not fail the task: Moodle would wait longer after each failure, up to a day, and what
     * waits would wait that much longer once the bridge is back. The status page and the check tell of it.
     */
    #[\Override]
    public function execute(): void {
        if (!client::is_configured()) {
            mtrace(get_string('failure:notconfigured', 'local_progressbridge'));
            return;
        }
        $pause = state::paused_until();
        if ($pause !== null) {
            mtrace(get_string('task:paused', 'local_progressbridge', userdate($pause)));
            return;
        }
        try {
            (new reconciliation())->run();
            connection_test::run_after_failure();
        } catch (failure $failure) {
            state::failed($failure);
            mtrace($failure->getMessage());
        }
    }
}
