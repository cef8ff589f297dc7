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
 * From an activity's ID number to the ids of the grain, of its module and of its sequence.
 *
 * Two forms: "grain", whose module is the course's ID number when the course has one, and
 * "module/sequence/grain". Two parts could mean either half, so they are refused, never guessed.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class mapping {
    /** @var string separates the parts of an ID number */
    private const SEPARATOR = '/';

    /**
     * Write a completion as the bridge's HTTP interface takes it.
     *
     * @param \stdClass $row a row of {@see due}
     * @return array<string, string>
     * @throws refusal the ID number has neither form
     */
    public static function completion(\stdClass $row): array {
        return [
            'origin' => 'moodle',
            'external_user_id' => (string) $row->userid,
            'completed_at' => gmdate('Y-m-d\TH:i:s\Z', (int) ($row->timeasof ?: $row->timecompleted)),
        ] + self::ids((string) $row->idnumber, (string) $row->courseidnumber);
    }

    /**
     * Read the ids of the grain, and of its module and sequence where they are known.
     *
     * @param string $idnumber of the activity
     * @param string $courseidnumber of its course; may be empty
     * @return array<string, string> grain_id, module_id, sequence_id
     * @throws refusal the ID number has neither form
     */
    public static function ids(string $idnumber, string $courseidnumber): array {
        $parts = array_map('trim', explode(self::SEPARATOR, $idnumber));
        if (in_array('', $parts, true)) {
            throw new refusal('emptypart');
        }
        if (count($parts) === 3) {
            return ['module_id' => $parts[0], 'sequence_id' => $parts[1], 'grain_id' => $parts[2]];
        }
        if (count($parts) !== 1) {
            throw new refusal('parts');
        }
        $module = trim($courseidnumber);
        return ['grain_id' => $parts[0]] + ($module === '' ? [] : ['module_id' => $module]);
    }
}
