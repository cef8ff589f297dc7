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

use GuzzleHttp\Psr7\Response;
use PHPUnit\Framework\Attributes\CoversClass;

/**
 * Tests that what waits is sent whatever becomes of it in Moodle, and that refusals are kept apart.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers \local_progressbridge\due
 * @covers \local_progressbridge\ledger
 * @covers \local_progressbridge\refusal
 * @covers \local_progressbridge\sender
 */
#[CoversClass(due::class)]
#[CoversClass(ledger::class)]
#[CoversClass(refusal::class)]
#[CoversClass(sender::class)]
final class ledger_test extends \advanced_testcase {
    /** @var \stdClass a course with completion */
    private \stdClass $course;

    /** @var \stdClass a learner in it */
    private \stdClass $learner;

    /** @var \stdClass the course module of a page that the learner has ticked */
    private \stdClass $cm;

    /** @var \GuzzleHttp\Handler\MockHandler the bridge's answers */
    private \GuzzleHttp\Handler\MockHandler $bridge;

    /** @var array what the bridge was asked */
    private array $history = [];

    #[\Override]
    protected function setUp(): void {
        global $CFG;
        parent::setUp();
        require_once($CFG->dirroot . '/course/lib.php');
        $this->resetAfterTest();
        $this->preventResetByRollback(); // The observers wait for the end of the transaction.
        $this->setAdminUser();
        set_config('enablecompletion', 1);
        set_config('coursebinenable', 0, 'tool_recyclebin');
        set_config('categorybinenable', 0, 'tool_recyclebin');
        set_config('url', 'https://bridge.example.org', 'local_progressbridge');
        set_config('apikey', 'pb_key', 'local_progressbridge');
        ['mock' => $this->bridge] = $this->get_mocked_http_client($this->history);
        $this->course = $this->getDataGenerator()->create_course(['enablecompletion' => 1, 'idnumber' => 'module']);
        $this->learner = $this->getDataGenerator()->create_and_enrol($this->course, 'student');
        $page = $this->getDataGenerator()->create_module('page', [
            'course' => $this->course->id,
            'idnumber' => 'grain',
            'completion' => COMPLETION_TRACKING_MANUAL,
        ]);
        $this->cm = get_coursemodule_from_instance('page', $page->id);
        (new \completion_info($this->course))->update_state($this->cm, COMPLETION_COMPLETE, $this->learner->id);
    }

    /**
     * Send what waits.
     *
     * @param array $result what the bridge answers about the one completion
     * @return \stdClass|null the completion that it was sent; null when none was
     */
    private function send(array $result = ['status' => 'accepted']): ?\stdClass {
        $this->history = [];
        $this->bridge->append(new Response(202, [], json_encode(['results' => [$result]])));
        (new reconciliation())->run();
        $request = $this->history ? (string) $this->history[0]['request']->getBody() : '[]';
        if (!$this->history) {
            $this->bridge->reset();
        }
        return json_decode($request)[0] ?? null;
    }

    /**
     * Empty the course, as its reset page does.
     */
    private function reset_course(): void {
        reset_course_userdata((object) [
            'id' => $this->course->id,
            'reset_completion' => 1,
            'reset_start_date' => 0,
            'reset_end_date' => 0,
        ]);
    }

    /**
     * A course reset takes nothing back.
     */
    public function test_what_waits_outlives_a_course_reset(): void {
        global $DB;
        $this->reset_course();
        $this->assertSame(0, $DB->count_records('course_modules_completion'));
        $sent = $this->send();
        $this->assertSame(['grain', 'module'], [$sent->grain_id, $sent->module_id]);
        $this->assertSame(1, ledger::count(ledger::ACKNOWLEDGED));
    }

    /**
     * A deleted activity takes nothing back.
     */
    public function test_what_waits_outlives_its_activity(): void {
        course_delete_module($this->cm->id);
        $this->assertSame('grain', $this->send()->grain_id);
    }

    /**
     * A deleted course takes nothing back.
     */
    public function test_what_waits_outlives_its_course(): void {
        delete_course($this->course, false);
        $this->assertSame('module', $this->send()->module_id);
    }

    /**
     * Grades that are reset make Moodle fire an event with the state 0, which is no unticking.
     */
    public function test_what_waits_outlives_a_reset_of_the_grades(): void {
        global $DB;
        $assign = $this->getDataGenerator()->create_module('assign', [
            'course' => $this->course->id,
            'idnumber' => 'graded',
            'completion' => COMPLETION_TRACKING_AUTOMATIC,
            'completionusegrade' => 1,
        ]);
        $item = \grade_item::fetch(['itemtype' => 'mod', 'itemmodule' => 'assign', 'iteminstance' => $assign->id]);
        $item->update_final_grade($this->learner->id, 80);
        $this->assertSame(2, ledger::count(ledger::WAITING));
        $sink = $this->redirectEvents();
        $item->delete_all_grades();
        $sink->close();
        $where = ['coursemoduleid' => $assign->cmid, 'completionstate' => COMPLETION_INCOMPLETE];
        $this->assertTrue($DB->record_exists('course_modules_completion', $where));
        foreach ($sink->get_events() as $event) {
            if ($event instanceof \core\event\course_module_completion_updated) {
                observer::completion_updated($event);
            }
        }
        $this->assertSame(2, ledger::count(ledger::WAITING));
    }

    /**
     * A deleted user is not sent, and what waited of them is gone.
     */
    public function test_what_waits_of_a_deleted_user_is_erased(): void {
        delete_user($this->learner);
        $this->assertSame(0, ledger::count(ledger::WAITING));
    }

    /**
     * What time heals waits for its time, and is sent as it was.
     */
    public function test_a_time_ahead_is_sent_again_by_itself(): void {
        global $DB;
        $refused = ['status' => 'refused', 'field' => 'completed_at', 'code' => 'too_far_ahead', 'retry_after' => 12];
        $first = $this->send($refused);
        $this->assertSame(1, ledger::count(ledger::WAITING));
        $this->assertSame(1, ledger::count_ahead());
        $this->assertNull($this->send());
        $DB->set_field('local_progressbridge_item', 'timenext', 1);
        $this->assertEquals($first, $this->send());
        $this->assertSame(0, ledger::count_ahead());
    }

    /**
     * What lies days ahead is shown as refused, and is sent again by itself all the same.
     */
    public function test_a_time_days_ahead_is_shown_and_heals(): void {
        global $DB;
        $refused = ['status' => 'refused', 'field' => 'completed_at', 'code' => 'too_far_ahead', 'retry_after' => 2 * DAYSECS];
        $first = $this->send($refused);
        $this->assertSame(1, ledger::count(ledger::REFUSED));
        ledger::retry_healed();
        $this->assertNull($this->send());
        $DB->set_field('local_progressbridge_item', 'timenext', 1);
        ledger::retry_healed();
        $this->assertEquals($first, $this->send());
        $this->assertSame(1, ledger::count(ledger::ACKNOWLEDGED));
    }

    /**
     * A time that cannot be is recorded as of today, when an administrator says so.
     */
    public function test_a_time_that_cannot_be_is_recorded_as_of_today(): void {
        global $DB;
        $DB->set_field('local_progressbridge_item', 'timecompleted', 0);
        $DB->set_field('course_modules_completion', 'timemodified', 0);
        $refused = ['status' => 'refused', 'field' => 'completed_at', 'rule' => 'before 2000', 'code' => 'before_2000'];
        $this->assertSame('1970-01-01T00:00:00Z', $this->send($refused)->completed_at);
        $this->assertSame(1, ledger::count(ledger::REFUSED));
        $this->assertNull($this->send());
        ledger::record_as_of_today((int) $this->cm->id);
        $this->assertEqualsWithDelta(time(), strtotime($this->send()->completed_at), 60);
        $this->assertNull($this->send());
    }

    /**
     * A new ID number is noticed when the completion is gone.
     *
     * Without one, the item is told apart and can be forgotten.
     */
    public function test_refused_completions_that_are_gone(): void {
        global $DB;
        $DB->set_field('local_progressbridge_item', 'idnumber', 'a/b');
        $DB->set_field('course_modules', 'idnumber', 'a/b', ['id' => $this->cm->id]);
        $this->assertNull($this->send());
        $this->assertSame(1, ledger::count(ledger::REFUSED));
        $this->assertSame([0], array_map(fn($group) => (int) $group->gone, array_values(ledger::refused(10))));
        ledger::forget_gone((int) $this->cm->id);
        $this->assertSame(1, ledger::count(ledger::REFUSED));

        $this->reset_course();
        $this->assertSame([1], array_map(fn($group) => (int) $group->gone, array_values(ledger::refused(10))));
        $DB->set_field('course_modules', 'idnumber', 'c/d', ['id' => $this->cm->id]);
        $this->assertNull($this->send());
        $this->assertSame('c/d', $DB->get_field('local_progressbridge_item', 'idnumber', []));
        $DB->set_field('course_modules', 'idnumber', 'good', ['id' => $this->cm->id]);
        $this->assertSame('good', $this->send()->grain_id);
    }

    /**
     * What is refused of an activity that is gone can be forgotten.
     */
    public function test_refused_completions_of_a_deleted_activity_can_be_forgotten(): void {
        global $DB;
        $DB->set_field('local_progressbridge_item', 'idnumber', 'a/b');
        $DB->set_field('course_modules', 'idnumber', 'a/b', ['id' => $this->cm->id]);
        $this->send();
        course_delete_module($this->cm->id);
        ledger::forget_gone((int) $this->cm->id);
        $this->assertSame(0, $DB->count_records('local_progressbridge_item'));
    }
}
