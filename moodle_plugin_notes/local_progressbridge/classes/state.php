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
 * What the plugin remembers of its own work, in its configuration: last success, last failure, a pause, how far the walk is.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class state {
    /** @var string whose configuration */
    private const COMPONENT = 'local_progressbridge';

    /** @var int seconds that a noted success is recent enough */
    private const FRESH = 30;

    /**
     * Note that the bridge has taken completions, or erased a learner.
     *
     * Written once in so many seconds: each write empties Moodle's cache of these settings.
     */
    public static function succeeded(): void {
        $mended = self::mended();
        if ($mended || time() - (self::last_success() ?? 0) >= self::FRESH) {
            set_config('lastsuccess', time(), self::COMPONENT);
        }
    }

    /**
     * Note that a test of the connection passed.
     *
     * What was wrong is mended, and the bridge takes requests again.
     */
    public static function test_passed(): void {
        self::mended();
        set_config('lasttest', time(), self::COMPONENT);
    }

    /**
     * Note that the bridge could not be asked, or would not answer.
     *
     * The latest answer also sets or ends the pause.
     *
     * @param failure $failure without an address and a key there was no attempt, so that is not noted
     */
    public static function failed(failure $failure): void {
        if ($failure->kind === 'notconfigured') {
            return;
        }
        $told = ['kind' => $failure->kind, 'detail' => $failure->detail, 'time' => time()];
        set_config('lastfailure', json_encode($told), self::COMPONENT);
        if ($failure->retryafter > 0) {
            set_config('pauseduntil', time() + $failure->retryafter, self::COMPONENT);
        } else {
            self::clear('pauseduntil');
        }
    }

    /**
     * Forget the last failure and the pause.
     *
     * @return bool whether there was one of them
     */
    private static function mended(): bool {
        $failed = self::clear('lastfailure');
        return self::clear('pauseduntil') || $failed;
    }

    /**
     * Forget a value.
     *
     * @param string $name
     * @return bool whether it was there
     */
    private static function clear(string $name): bool {
        $known = get_config(self::COMPONENT, $name) !== false;
        return $known && unset_config($name, self::COMPONENT);
    }

    /**
     * Tell what is wrong since the last success.
     *
     * @return failure|null
     */
    public static function failure(): ?failure {
        $told = json_decode((string) get_config(self::COMPONENT, 'lastfailure'));
        return isset($told->kind) ? new failure($told->kind, $told->detail ?? '') : null;
    }

    /**
     * Tell when the last failure was.
     *
     * @return int|null
     */
    public static function failure_time(): ?int {
        $told = json_decode((string) get_config(self::COMPONENT, 'lastfailure'));
        return isset($told->time) ? (int) $told->time : null;
    }

    /**
     * Tell when the bridge last answered as it should.
     *
     * @return int|null null when it never did
     */
    public static function last_success(): ?int {
        return ((int) get_config(self::COMPONENT, 'lastsuccess')) ?: null;
    }

    /**
     * Tell when a test of the connection last passed.
     *
     * @return int|null null when none did
     */
    public static function last_test(): ?int {
        return ((int) get_config(self::COMPONENT, 'lasttest')) ?: null;
    }

    /**
     * Tell until when the bridge asked to be left alone.
     *
     * @return int|null a time; null when the pause is over, or would last longer than any (a clock was set back)
     */
    public static function paused_until(): ?int {
        $until = (int) get_config(self::COMPONENT, 'pauseduntil');
        return $until > time() && $until <= time() + client::MAX_PAUSE ? $until : null;
    }

    /**
     * Tell the id up to which the walk through all completions has come.
     *
     * @return int 0 at the start of a walk
     */
    public static function cursor(): int {
        return (int) get_config(self::COMPONENT, 'cursor');
    }

    /**
     * Note how far the walk has come.
     *
     * @param int $cursor
     */
    public static function walked_to(int $cursor): void {
        set_config('cursor', $cursor, self::COMPONENT);
    }

    /**
     * Note that the walk has come to the end, and starts again next time.
     */
    public static function walked_through(): void {
        set_config('cursor', 0, self::COMPONENT);
        set_config('lastwalk', time(), self::COMPONENT);
    }

    /**
     * Tell when a walk last came to the end.
     *
     * @return int|null
     */
    public static function last_walk(): ?int {
        return ((int) get_config(self::COMPONENT, 'lastwalk')) ?: null;
    }
}
