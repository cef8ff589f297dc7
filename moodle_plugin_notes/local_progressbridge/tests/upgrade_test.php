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

use PHPUnit\Framework\Attributes\CoversNothing;

/**
 * Tests that an upgrade keeps what waits.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @coversNothing
 */
#[CoversNothing]
final class upgrade_test extends \advanced_testcase {
    #[\Override]
    protected function setUp(): void {
        global $CFG, $DB;
        parent::setUp();
        require_once($CFG->libdir . '/ddllib.php');
        require_once($CFG->libdir . '/upgradelib.php');
        require_once($CFG->dirroot . '/local/progressbridge/db/upgrade.php');
        $this->resetAfterTest();
        $this->preventResetByRollback();
        // The table as the first version had it.
        $table = new \xmldb_table('local_progressbridge_item');
        foreach (['courseidnumber', 'timeasof', 'timenext', 'code'] as $name) {
            $DB->get_manager()->drop_field($table, new \xmldb_field($name));
        }
        set_config('version', 2026112200, 'local_progressbridge');
    }

    /**
     * A pointer becomes all that is sent, and one to nothing is dropped.
     */
    public function test_an_upgrade_keeps_what_waits(): void {
        global $DB;
        $generator = $this->getDataGenerator();
        $course = $generator->create_course(['enablecompletion' => 1, 'idnumber' => 'module']);
        $page = $generator->create_module('page', ['course' => $course->id, 'idnumber' => 'grain']);
        $old = ['userid' => 9, 'idnumber' => '', 'status' => 0, 'timecreated' => 5, 'timemodified' => 5];
        $refused = ['userid' => 8, 'idnumber' => 'a/b', 'status' => 2, 'reason' => 'own:parts', 'timecompleted' => 7];
        $gone = ['cmid' => $page->cmid + 1];
        foreach ([['cmid' => $page->cmid], $refused + ['cmid' => $page->cmid], $gone, $refused + $gone] as $item) {
            $DB->insert_record('local_progressbridge_item', (object) ($item + $old));
        }
        foreach ([8, 9] as $userid) {
            $DB->insert_record('course_modules_completion', (object) [
                'coursemoduleid' => $page->cmid,
                'userid' => $userid,
                'completionstate' => COMPLETION_COMPLETE,
                'timemodified' => 1767261600,
            ]);
        }

        $this->assertTrue(xmldb_local_progressbridge_upgrade(2026112200));

        $kept = array_map(
            fn($item) => [$item->status, $item->idnumber, $item->courseidnumber, $item->timecompleted, $item->code],
            array_values($DB->get_records('local_progressbridge_item', null, 'id')),
        );
        $this->assertEquals([
            [ledger::WAITING, 'grain', 'module', 1767261600, null],
            [ledger::WAITING, 'grain', 'module', 1767261600, null],
            [ledger::REFUSED, 'a/b', '', 7, 'parts'],
        ], $kept);
    }
}
