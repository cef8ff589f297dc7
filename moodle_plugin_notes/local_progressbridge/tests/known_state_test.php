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

use core\check\result;
use GuzzleHttp\Psr7\Response;
use PHPUnit\Framework\Attributes\CoversClass;

/**
 * Tests of what the check says, and of what clears an error.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers \local_progressbridge\check\delivery
 * @covers \local_progressbridge\connection_test
 * @covers \local_progressbridge\state
 * @covers \local_progressbridge\uninstallation
 */
#[CoversClass(check\delivery::class)]
#[CoversClass(connection_test::class)]
#[CoversClass(state::class)]
#[CoversClass(uninstallation::class)]
final class known_state_test extends \advanced_testcase {
    #[\Override]
    protected function setUp(): void {
        parent::setUp();
        $this->resetAfterTest();
        set_config('url', 'https://bridge.example.org', 'local_progressbridge');
        set_config('apikey', 'pb_key', 'local_progressbridge');
    }

    /**
     * The bridge's answer about a key that may do everything.
     *
     * @return Response
     */
    private static function sound(): Response {
        $key = ['kind' => 'server', 'name' => 'moodle', 'origins' => ['moodle'], 'rights' => ['write', 'erase']];
        return new Response(200, [], json_encode($key + ['version' => '0.1.0']));
    }

    /**
     * The check's result.
     *
     * @return result
     */
    private static function check(): result {
        return (new check\delivery())->get_result();
    }

    /**
     * The check says that nothing was sent, that a test passed, that something arrived.
     */
    public function test_check(): void {
        ['mock' => $mock] = $this->get_mocked_http_client();
        $this->assertSame(result::UNKNOWN, self::check()->get_status());
        $mock->append(self::sound());
        $this->assertTrue((new connection_test())->passed);
        $this->assertSame(result::INFO, self::check()->get_status());
        state::succeeded();
        $this->assertSame(result::OK, self::check()->get_status());
    }

    /**
     * A failed last attempt is a warning, whose words are HTML.
     */
    public function test_failed(): void {
        state::succeeded();
        state::failed(new failure('unavailable', '<b>Down</b>'));
        $this->assertSame(result::WARNING, self::check()->get_status());
        $this->assertStringContainsString('&lt;b&gt;Down&lt;/b&gt;', self::check()->get_summary());
        $this->assertStringContainsString('<b>Down</b>', state::failure()->getMessage());
    }

    /**
     * A test that passes clears the error and the pause.
     */
    public function test_connection_test_clears(): void {
        ['mock' => $mock] = $this->get_mocked_http_client();
        $mock->append(self::sound());
        state::failed(new failure('ratelimited', '', 1800));
        $this->assertNotNull(state::paused_until());
        new connection_test();
        $this->assertNull(state::paused_until());
        $this->assertNull(state::failure());
    }

    /**
     * The scheduled task finds out that an error is mended, also when it has nothing to send.
     */
    public function test_scheduled_task_clears(): void {
        ['mock' => $mock] = $this->get_mocked_http_client();
        $mock->append(self::sound());
        state::failed(new failure('key'));
        (new task\reconcile())->execute();
        $this->assertNull(state::failure());
    }

    /**
     * Uninstalling erases those that wait, and names those that cannot be erased.
     */
    public function test_uninstallation(): void {
        ['mock' => $mock] = $this->get_mocked_http_client();
        $this->assertNull(uninstallation::erase_waiting());
        $user = $this->getDataGenerator()->create_user();
        eraser::request((int) $user->id);
        $mock->append(new Response(503));
        $this->assertStringContainsString((string) $user->id, uninstallation::erase_waiting());
        $mock->append(new Response(204));
        $this->assertNull(uninstallation::erase_waiting());
    }
}
