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

/**
 * Sends what no event announced, and what adhoc tasks gave up.
 *
 * A walk through {course_modules_completion} by its primary key, a stretch in each run, that starts again at the end.
 * Bulk updates fire no event and change rows of any id and any time, so all of it is walked through. The same walk sends
 * the history when the plugin is installed on an old site.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class reconciliation {
    /** @var int rows looked at in one question */
    private const WINDOW = 10000;

    /** @var int rows looked at in one run */
    private const RUN = 200000;

    /** @var int learners erased in one run: one request each */
    private const ERASURES = 200;

    /** @var sender sends */
    private readonly sender $sender;

    /** @var eraser erases */
    private readonly eraser $eraser;

    /** @var completions where completions are read */
    private readonly completions $completions;

    /**
     * Make a reconciliation as the settings say.
     *
     * @throws failure
     */
    public function __construct() {
        $client = client::from_config();
        $scope = new scope();
        $this->completions = new completions($scope);
        $this->sender = new sender($client, new due($scope));
        $this->eraser = new eraser($client);
    }

    /**
     * Run the reconciliation once.
     *
     * @param int|null $pace completions sent at most; the setting's when null
     * @return bool whether the walk came to its end, with nothing left to send
     * @throws failure what was not sent is kept
     */
    public function run(?int $pace = null): bool {
        $pace ??= limits::pace();
        ledger::retry_renamed();
        ledger::retry_healed();
        $left = $pace - $this->sender->send_waiting($pace);
        $finished = $this->walk($left);
        // Last, because a key without the right to erase must not keep completions from being sent.
        eraser::request_missed();
        $this->eraser->erase_waiting(self::ERASURES);
        return $finished && !eraser::count_waiting();
    }

    /**
     * Walk on from where the last run stopped.
     *
     * @param int $left completions that may be sent
     * @return bool whether it came to the end
     * @throws failure
     */
    private function walk(int $left): bool {
        for ($looked = 0; $looked < self::RUN && $left > 0; $looked += self::WINDOW) {
            $end = completions::further(state::cursor(), self::WINDOW);
            if ($end === null) {
                state::walked_through();
                ledger::forget_lost_activities();
                return true;
            }
            $left -= $this->walk_to($end, $left);
        }
        return false;
    }

    /**
     * Send what is to be sent up to an id.
     *
     * @param int $end
     * @param int $left completions that may be sent
     * @return int how many were
     * @throws failure
     */
    private function walk_to(int $end, int $left): int {
        $sent = 0;
        while ($sent < $left) {
            $limit = min(client::BATCH, $left - $sent);
            $rows = $this->completions->unknown(state::cursor(), $end, $limit);
            // Kept before it is sent: whatever becomes of the course while the bridge is down, it is sent.
            ledger::note($this->completions->done($rows));
            $last = count($rows) < $limit;
            state::walked_to($last ? $end : (int) array_key_last($rows));
            $sent += $this->sender->send_waiting($limit);
            if ($last) {
                break;
            }
        }
        return $sent;
    }
}
