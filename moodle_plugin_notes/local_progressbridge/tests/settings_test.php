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
 * Tests of the settings' rules, with Moodle's own settings behind them.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers \local_progressbridge\limits
 * @covers \local_progressbridge\admin\setting_key
 * @covers \local_progressbridge\admin\setting_pace
 * @covers \local_progressbridge\admin\setting_timeout
 */
#[CoversClass(limits::class)]
#[CoversClass(admin\setting_key::class)]
#[CoversClass(admin\setting_pace::class)]
#[CoversClass(admin\setting_timeout::class)]
final class settings_test extends \advanced_testcase {
    #[\Override]
    protected function setUp(): void {
        global $CFG;
        parent::setUp();
        $this->resetAfterTest();
        require_once($CFG->libdir . '/adminlib.php');
    }

    /**
     * Save the time-out and the pace as the form sends them.
     *
     * @param string $timeout
     * @param string $pace
     * @param int $unit of the time-out, in seconds
     * @return string[] the errors; empty when it is saved
     */
    private static function save(string $timeout, string $pace, int $unit = 1): array {
        return [
            (new admin\setting_timeout('local_progressbridge/timeout', '', ''))->write_setting(['v' => $timeout, 'u' => $unit]),
            (new admin\setting_pace('local_progressbridge/pace', '', ''))->write_setting($pace),
        ];
    }

    /**
     * Nothing and zero are the default.
     */
    public function test_nothing_is_the_default(): void {
        foreach (['', '0'] as $nothing) {
            $this->assertSame(['', ''], self::save($nothing, $nothing));
            $this->assertEquals(limits::DEFAULT_TIMEOUT, get_config('local_progressbridge', 'timeout'));
            $this->assertEquals(limits::DEFAULT_PACE, get_config('local_progressbridge', 'pace'));
        }
    }

    /**
     * What is within the bounds is saved.
     */
    public function test_within_bounds(): void {
        $this->assertSame(['', ''], self::save('1', '200000', MINSECS));
        $this->assertSame([60, 200000], [limits::timeout(), limits::pace()]);
    }

    /**
     * Values that are no time-out and no pace.
     *
     * @return array[]
     */
    public static function out_of_bounds_provider(): array {
        return [
            'too much' => ['61', '200001'],
            'negative' => ['-3', '-5'],
            'no whole number' => ['1.5', '1.5'],
            'words' => ['soon', 'many'],
            'longer than any number' => [str_repeat('9', 30), str_repeat('9', 30)],
        ];
    }

    /**
     * What is out of bounds is refused, and changes nothing.
     *
     * @dataProvider out_of_bounds_provider
     * @param string $timeout
     * @param string $pace
     */
    #[DataProvider('out_of_bounds_provider')]
    public function test_out_of_bounds(string $timeout, string $pace): void {
        self::save('7', '8');
        $this->assertNotContains('', self::save($timeout, $pace));
        $this->assertSame([7, 8], [limits::timeout(), limits::pace()]);
    }

    /**
     * What cfg.php or config.php says is read within the bounds.
     */
    public function test_read_within_bounds(): void {
        global $CFG;
        set_config('timeout', '600', 'local_progressbridge');
        set_config('pace', '-1', 'local_progressbridge');
        $this->assertSame([60, limits::DEFAULT_PACE], [limits::timeout(), limits::pace()]);
        $CFG->forced_plugin_settings['local_progressbridge'] = ['timeout' => 0, 'pace' => 10 ** 9];
        $this->assertSame([limits::DEFAULT_TIMEOUT, limits::MAX_PACE], [limits::timeout(), limits::pace()]);
    }

    /**
     * A key that cannot be one is refused, and not shown.
     */
    public function test_key(): void {
        $setting = new admin\setting_key('local_progressbridge/apikey', '', '', '');
        $this->assertStringNotContainsString('secret', $setting->write_setting('secret word'));
        $this->assertSame('', $setting->write_setting(" pb_key\n"));
    }
}
