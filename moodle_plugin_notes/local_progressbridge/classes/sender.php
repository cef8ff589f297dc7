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
 * Sends completions to the bridge and notes in the ledger what became of each.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class sender {
    /**
     * Make a sender.
     *
     * @param client $client
     * @param due $due
     */
    public function __construct(
        /** @var client the bridge */
        private readonly client $client,
        /** @var due what is to be sent */
        private readonly due $due,
    ) {
    }

    /**
     * Make a sender as the settings say.
     *
     * @return self
     * @throws failure
     */
    public static function from_config(): self {
        return new self(client::from_config(), new due(new scope()));
    }

    /**
     * Send the completions that wait.
     *
     * @param int $limit this many at most
     * @return int how many were looked at
     * @throws failure what was not sent still waits
     */
    public function send_waiting(int $limit): int {
        $done = 0;
        while ($done < $limit) {
            $rows = $this->due->next(min(client::BATCH, $limit - $done));
            if (!$rows) {
                break;
            }
            $ours = array_filter($rows, fn($row) => (bool) $row->ours);
            $this->send($ours);
            ledger::forget(array_keys(array_diff_key($rows, $ours)));
            $done += count($rows);
        }
        return $done;
    }

    /**
     * Send completions, and note what became of each.
     *
     * @param \stdClass[] $rows of {@see due}, 1,000 at most
     * @throws failure nothing is noted of those that were to be sent
     */
    private function send(array $rows): void {
        $bodies = [];
        $refusals = [];
        foreach ($rows as $key => $row) {
            try {
                $bodies[$key] = mapping::completion($row);
            } catch (refusal $refusal) {
                $refusals[$key] = $refusal;
            }
        }
        if ($bodies) {
            $results = array_combine(array_keys($bodies), $this->client->send(array_values($bodies)));
            $refusals += array_filter(array_map([refusal::class, 'from_result'], $results));
            state::succeeded();
        }
        ledger::acknowledge(array_diff_key($rows, $refusals));
        ledger::refuse(array_intersect_key($rows, $refusals), $refusals);
    }
}
