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
 * Tests from Moodle's completion to the request, with Moodle's own completion, tasks and database.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers \local_progressbridge\observer
 * @covers \local_progressbridge\completions
 * @covers \local_progressbridge\sender
 * @covers \local_progressbridge\reconciliation
 * @covers \local_progressbridge\eraser
 */
#[CoversClass(observer::class)]
#[CoversClass(completions::class)]
#[CoversClass(sender::class)]
#[CoversClass(reconciliation::class)]
#[CoversClass(eraser::class)]
final class delivery_test extends \advanced_testcase {
    /** @var \stdClass a course with completion */
    private \stdClass $course;

    /** @var \stdClass a learner in it */
    private \stdClass $learner;

    /** @var \stdClass the course module of a page with the ID number "grain" */
    private \stdClass $cm;

    #[\Override]
    protected function setUp(): void {
        global $DB;
        parent::setUp();
        $this->resetAfterTest();
        $this->preventResetByRollback(); // The observers wait for the end of the transaction.
        set_config('enablecompletion', 1);
        set_config('url', 'https://bridge.example.org', 'local_progressbridge');
        set_config('apikey', 'pb_key', 'local_progressbridge');
        $generator = $this->getDataGenerator();
        $this->course = $generator->create_course(['enablecompletion' => 1, 'idnumber' => 'module']);
        $this->learner = $generator->create_and_enrol($this->course, 'student');
        $page = $generator->create_module('page', [
            'course' => $this->course->id,
            'completion' => COMPLETION_TRACKING_MANUAL,
        ]);
        $DB->set_field('course_modules', 'idnumber', 'grain', ['id' => $page->cmid]);
        $this->cm = get_coursemodule_from_instance('page', $page->id);
    }

    /**
     * The learner ticks the activity.
     *
     * @param int $state
     */
    private function tick(int $state = COMPLETION_COMPLETE): void {
        (new \completion_info($this->course))->update_state($this->cm, $state, $this->learner->id);
    }

    /**
     * The bridge's answer that it has accepted so many.
     *
     * @param int $number
     * @return Response
     */
    private static function accepted(int $number = 1): Response {
        $results = array_fill(0, $number, ['status' => 'accepted']);
        return new Response(202, [], json_encode(['accepted' => $number, 'refused' => 0, 'results' => $results]));
    }

    /**
     * A tick queues one task, which sends it.
     */
    public function test_a_completion_is_queued_and_sent(): void {
        $history = [];
        ['mock' => $mock] = $this->get_mocked_http_client($history);
        $mock->append(self::accepted());
        $this->tick();
        $this->assertCount(1, \core\task\manager::get_adhoc_tasks(task\send::class));
        $this->assertSame(1, ledger::count(ledger::WAITING));

        ob_start();
        $this->runAdhocTasks(task\send::class);
        ob_end_clean();

        $this->assertSame(1, ledger::count(ledger::ACKNOWLEDGED));
        $body = json_decode((string) $history[0]['request']->getBody());
        $this->assertSame('grain', $body[0]->grain_id);
        $this->assertSame('module', $body[0]->module_id);
        $this->assertSame((string) $this->learner->id, $body[0]->external_user_id);
    }

    /**
     * What was unticked again is not sent.
     */
    public function test_incomplete_is_not_sent(): void {
        $this->get_mocked_http_client();
        $this->tick();
        $this->tick(COMPLETION_INCOMPLETE);
        $this->assertSame(0, ledger::count(ledger::WAITING));
        $this->assertSame(0, sender::from_config()->send_waiting(10));
    }

    /**
     * What no event announced is found, and sent once.
     */
    public function test_reconciliation(): void {
        global $DB;
        ['mock' => $mock] = $this->get_mocked_http_client();
        $mock->append(self::accepted());
        $DB->insert_record('course_modules_completion', (object) [
            'coursemoduleid' => $this->cm->id,
            'userid' => $this->learner->id,
            'completionstate' => COMPLETION_COMPLETE,
            'timemodified' => time(),
        ]);
        $this->assertTrue((new reconciliation())->run());
        $this->assertSame(1, ledger::count(ledger::ACKNOWLEDGED));
        $this->assertTrue((new reconciliation())->run());
        $this->assertSame(0, $mock->count());
    }

    /**
     * A deleted user is erased, and never sent.
     */
    public function test_a_deleted_user_is_erased(): void {
        $history = [];
        ['mock' => $mock] = $this->get_mocked_http_client($history);
        $mock->append(new Response(204));
        $this->tick();
        delete_user($this->learner);
        $this->assertSame(1, eraser::count_waiting());
        $this->assertTrue((new reconciliation())->run());
        $this->assertSame(0, eraser::count_waiting());
        $this->assertSame('DELETE', $history[0]['request']->getMethod());
        $this->assertSame("/v1/learners/moodle/{$this->learner->id}", $history[0]['request']->getUri()->getPath());
    }

    /**
     * A bridge that is down loses nothing, and does not fail the scheduled task.
     */
    public function test_an_outage(): void {
        ['mock' => $mock] = $this->get_mocked_http_client();
        $mock->append(new Response(503, ['Retry-After' => '60']));
        $this->tick();
        ob_start();
        (new task\reconcile())->execute();
        ob_end_clean();
        $this->assertSame(1, ledger::count(ledger::WAITING));
        $this->assertTrue(state::failure()->is_temporary());
        $this->assertNotNull(state::paused_until());
    }
}
