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

/**
 * Tests that what Moodle calls done is noted, by Moodle's own rules, grades and overrides.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers \local_progressbridge\completions
 * @covers \local_progressbridge\observer
 * @covers \local_progressbridge\overall_completion
 */
#[CoversClass(completions::class)]
#[CoversClass(observer::class)]
#[CoversClass(overall_completion::class)]
final class overall_completion_test extends \advanced_testcase {
    /** @var \stdClass a course with completion */
    private \stdClass $course;

    /** @var \stdClass a learner in it */
    private \stdClass $learner;

    #[\Override]
    protected function setUp(): void {
        parent::setUp();
        $this->resetAfterTest();
        $this->preventResetByRollback(); // The observers wait for the end of the transaction.
        $this->setAdminUser();
        set_config('enablecompletion', 1);
        set_config('url', 'https://bridge.example.org', 'local_progressbridge');
        set_config('apikey', 'pb_key', 'local_progressbridge');
        $this->course = $this->getDataGenerator()->create_course(['enablecompletion' => 1]);
        $this->learner = $this->getDataGenerator()->create_and_enrol($this->course, 'student');
    }

    /**
     * Make an assignment with an automatic completion.
     *
     * @param array $conditions
     * @return \stdClass its course module
     */
    private function assignment(array $conditions): \stdClass {
        $assign = $this->getDataGenerator()->create_module('assign', $conditions + [
            'course' => $this->course->id,
            'idnumber' => 'grain',
            'completion' => COMPLETION_TRACKING_AUTOMATIC,
            'gradepass' => 50,
            'grade' => 100,
        ]);
        return get_coursemodule_from_instance('assign', $assign->id);
    }

    /**
     * Give the learner a grade.
     *
     * @param \stdClass $cm
     * @param int $grade
     * @param bool $isbulkupdate as an import of grades does: Moodle fires no event
     */
    private function grade(\stdClass $cm, int $grade, bool $isbulkupdate = false): void {
        global $CFG;
        require_once($CFG->libdir . '/gradelib.php');
        $item = \grade_item::fetch(['itemtype' => 'mod', 'itemmodule' => 'assign', 'iteminstance' => $cm->instance]);
        $item->update_final_grade($this->learner->id, $grade, 'import', false, FORMAT_MOODLE, null, null, $isbulkupdate);
    }

    /**
     * Tell the state that Moodle keeps, and whether it calls that done.
     *
     * @param \stdClass $cm
     * @return array{int, bool}
     */
    private function moodle_says(\stdClass $cm): array {
        $cminfo = get_fast_modinfo($this->course)->get_cm($cm->id);
        $details = \core_completion\cm_completion_details::get_instance($cminfo, (int) $this->learner->id);
        return [$details->get_overall_completion(), $details->is_overall_complete()];
    }

    /**
     * With "receive any grade" a failing grade is done.
     */
    public function test_a_failing_grade_is_done_where_any_grade_is(): void {
        $cm = $this->assignment(['completionusegrade' => 1]);
        $this->grade($cm, 40);
        $this->assertSame([COMPLETION_COMPLETE_FAIL, true], $this->moodle_says($cm));
        $this->assertSame(1, ledger::count(ledger::WAITING));
    }

    /**
     * With "receive a passing grade" it is not.
     */
    public function test_a_failing_grade_is_not_done_where_a_passing_one_is_asked(): void {
        $cm = $this->assignment(['completionusegrade' => 1, 'completionpassgrade' => 1]);
        $this->grade($cm, 40);
        $this->assertSame([COMPLETION_COMPLETE_FAIL, false], $this->moodle_says($cm));
        $this->assertSame(0, ledger::count(ledger::WAITING));
        $this->grade($cm, 60);
        $this->assertSame([COMPLETION_COMPLETE_PASS, true], $this->moodle_says($cm));
        $this->assertSame(1, ledger::count(ledger::WAITING));
    }

    /**
     * A hidden grade is done without telling whether it passes.
     */
    public function test_a_hidden_failing_grade_is_as_moodle_says(): void {
        global $CFG;
        require_once($CFG->libdir . '/gradelib.php');
        foreach ([0 => 1, 1 => 0] as $passing => $waiting) {
            $cm = $this->assignment(['completionusegrade' => 1, 'completionpassgrade' => $passing]);
            $item = \grade_item::fetch(['itemtype' => 'mod', 'itemmodule' => 'assign', 'iteminstance' => $cm->instance]);
            $item->set_hidden(1);
            $this->grade($cm, 40);
            $this->assertSame((bool) $waiting, $this->moodle_says($cm)[1]);
            $this->assertSame(1, ledger::count(ledger::WAITING)); // The first one's.
        }
    }

    /**
     * What an import of grades wrote is found by the walk, by the same rules.
     */
    public function test_an_import_of_grades_is_found_by_the_same_rules(): void {
        $history = [];
        ['mock' => $mock] = $this->get_mocked_http_client($history);
        $mock->append(new \GuzzleHttp\Psr7\Response(202, [], '{"results": [{"status": "accepted"}]}'));
        $any = $this->assignment(['completionusegrade' => 1, 'idnumber' => 'any']);
        $passing = $this->assignment(['completionusegrade' => 1, 'completionpassgrade' => 1, 'idnumber' => 'passing']);
        $this->grade($any, 40, true);
        $this->grade($passing, 40, true);
        $this->assertSame(0, ledger::count(ledger::WAITING));
        $this->assertTrue((new reconciliation())->run());
        $this->assertSame(1, ledger::count(ledger::ACKNOWLEDGED));
        $this->assertSame('any', json_decode((string) $history[0]['request']->getBody())[0]->grain_id);
    }

    /**
     * A teacher's override is done or taken back as they say.
     */
    public function test_an_override_is_noted_and_taken_back(): void {
        $cm = $this->assignment(['completionusegrade' => 1, 'completionpassgrade' => 1]);
        $completion = new \completion_info($this->course);
        $completion->update_state($cm, COMPLETION_COMPLETE, $this->learner->id, true);
        $this->assertSame(1, ledger::count(ledger::WAITING));
        $completion->update_state($cm, COMPLETION_INCOMPLETE, $this->learner->id, true);
        $this->assertSame(0, ledger::count(ledger::WAITING));
    }

    /**
     * Rules that were changed later count for what is not yet noted.
     */
    public function test_rules_that_changed_later_count_for_what_is_not_yet_noted(): void {
        global $DB;
        $this->get_mocked_http_client();
        $cm = $this->assignment(['completionusegrade' => 1]);
        $this->grade($cm, 40, true);
        $DB->set_field('course_modules', 'completionpassgrade', 1, ['id' => $cm->id]);
        rebuild_course_cache($this->course->id, true);
        $this->assertTrue((new reconciliation())->run());
        $this->assertSame(0, ledger::count(ledger::ACKNOWLEDGED));
    }
}
