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
     * A sender.
     *
     * @param client $client
     * @param completions $completions
     */
    public function __construct(
        /** @var client the bridge */
        private readonly client $client,
        /** @var completions where they are read */
        private readonly completions $completions,
    ) {
    }

    /**
     * A sender as the settings say.
     *
     * @return self
     * @throws failure
     */
    public static function from_config(): self {
        return new self(client::from_config(), new completions(new scope()));
    }

    /**
     * Send what waits.
     *
     * @param int $limit this many at most
     * @return int how many were looked at
     * @throws failure what was not sent still waits
     */
    public function send_waiting(int $limit): int {
        $done = 0;
        while ($done < $limit) {
            $itemids = ledger::waiting(min(client::BATCH, $limit - $done));
            if (!$itemids) {
                break;
            }
            $rows = $this->completions->of_items($itemids);
            $this->send($rows);
            // No completion (any more) that is ours to send: unticked, the guest, no ID number, a course not chosen.
            ledger::forget(array_diff($itemids, array_map(fn($row) => (int) $row->itemid, $rows)));
            $done += count($itemids);
        }
        return $done;
    }

    /**
     * Send these.
     *
     * @param \stdClass[] $rows of {@see completions}, 1,000 at most
     * @throws failure nothing is noted of those that were to be sent
     */
    public function send(array $rows): void {
        $bodies = [];
        $reasons = [];
        foreach ($rows as $key => $row) {
            try {
                $bodies[$key] = mapping::completion($row);
            } catch (refusal $refusal) {
                $reasons[$key] = $refusal->getMessage();
            }
        }
        if ($bodies) {
            $results = array_combine(array_keys($bodies), $this->client->send(array_values($bodies)));
            $reasons += array_map([self::class, 'reason'], $results);
            state::succeeded();
        }
        ledger::note($rows, $reasons);
    }

    /**
     * Why the bridge refused one.
     *
     * @param \stdClass $result its answer about one completion
     * @return string|null null when it was accepted
     */
    private static function reason(\stdClass $result): ?string {
        if (($result->status ?? '') === 'accepted') {
            return null;
        }
        $value = isset($result->value) && is_scalar($result->value) ? ' (' . $result->value . ')' : '';
        return ($result->field ?? '?') . ': ' . ($result->rule ?? '?') . $value;
    }
}
