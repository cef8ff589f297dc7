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

namespace local_progressbridge\privacy;

use core_privacy\local\request\approved_userlist;
use core_privacy\local\request\userlist;
use core_privacy\local\request\writer;
use local_progressbridge\eraser;
use local_progressbridge\ledger;
use PHPUnit\Framework\Attributes\CoversClass;

/**
 * Tests of the privacy provider.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers \local_progressbridge\privacy\provider
 */
#[CoversClass(provider::class)]
final class provider_test extends \core_privacy\tests\provider_testcase {
    /** @var \stdClass a user with a completion that waits */
    private \stdClass $user;

    #[\Override]
    protected function setUp(): void {
        parent::setUp();
        $this->resetAfterTest();
        $this->user = $this->getDataGenerator()->create_user();
        ledger::note([(object) [
            'cmid' => 7,
            'userid' => $this->user->id,
            'itemid' => null,
            'idnumber' => 'grain',
            'courseidnumber' => 'module',
            'timemodified' => 1767261600,
        ]]);
    }

    /**
     * All is in the user's own context.
     */
    public function test_contexts_and_users(): void {
        $context = \context_user::instance($this->user->id);
        $contexts = provider::get_contexts_for_userid((int) $this->user->id);
        $this->assertEquals([$context->id], $contexts->get_contextids());

        $userlist = new userlist($context, 'local_progressbridge');
        provider::get_users_in_context($userlist);
        $this->assertEquals([$this->user->id], $userlist->get_userids());
    }

    /**
     * What waits is exported.
     */
    public function test_export(): void {
        $context = \context_user::instance($this->user->id);
        $this->export_context_data_for_user($this->user->id, $context, 'local_progressbridge');
        $data = writer::with_context($context)->get_data([get_string('pluginname', 'local_progressbridge')]);
        $this->assertCount(1, $data->completions);
        $this->assertSame('grain', $data->completions[0]['activity']);
        $this->assertSame('module', $data->completions[0]['course']);
    }

    /**
     * Deleting erases here, and asks for the bridge to erase.
     */
    public function test_delete(): void {
        $context = \context_user::instance($this->user->id);
        provider::delete_data_for_users(new approved_userlist($context, 'local_progressbridge', [$this->user->id]));
        $this->assertSame(0, ledger::count(ledger::WAITING));
        $this->assertSame(1, eraser::count_waiting());
    }
}
