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

use PHPUnit\Framework\Attributes\CoversClass;
use PHPUnit\Framework\Attributes\DataProvider;

/**
 * Tests of what an ID number means.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers \local_progressbridge\mapping
 * @covers \local_progressbridge\refusal
 */
#[CoversClass(mapping::class)]
#[CoversClass(refusal::class)]
final class mapping_test extends \basic_testcase {
    /**
     * ID numbers of both forms.
     *
     * @return array[]
     */
    public static function idnumber_provider(): array {
        return [
            'grain alone' => ['grain', '', ['grain_id' => 'grain']],
            'grain, course as module' => ['grain', 'module', ['grain_id' => 'grain', 'module_id' => 'module']],
            'three parts' => ['m/s/g', 'other', ['module_id' => 'm', 'sequence_id' => 's', 'grain_id' => 'g']],
        ];
    }

    /**
     * Both forms of an ID number.
     *
     * @dataProvider idnumber_provider
     * @param string $idnumber
     * @param string $courseidnumber
     * @param array $expected
     */
    #[DataProvider('idnumber_provider')]
    public function test_both_forms(string $idnumber, string $courseidnumber, array $expected): void {
        $this->assertSame($expected, mapping::ids($idnumber, $courseidnumber));
    }

    /**
     * Two parts are refused, not guessed.
     */
    public function test_two_parts_are_refused(): void {
        $this->expectException(refusal::class);
        mapping::ids('module/grain', '');
    }

    /**
     * The instant is RFC 3339 in UTC.
     */
    public function test_completion(): void {
        $row = (object) [
            'userid' => 12,
            'timecompleted' => 1767261600,
            'timeasof' => 0,
            'idnumber' => 'grain',
            'courseidnumber' => '',
        ];
        $this->assertEquals([
            'origin' => 'moodle',
            'external_user_id' => '12',
            'completed_at' => '2026-01-01T10:00:00Z',
            'grain_id' => 'grain',
        ], mapping::completion($row));
        $row->timeasof = 1767348000;
        $this->assertSame('2026-01-02T10:00:00Z', mapping::completion($row)['completed_at']);
    }
}
