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
 * What the plugin remembers of its own work, in its configuration: last success, last failure, how far the walk is.
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
     * The bridge has answered as it should.
     *
     * Written once in so many seconds: each write empties Moodle's cache of these settings.
     */
    public static function succeeded(): void {
        $failed = self::failure_time() !== null;
        if ($failed) {
            unset_config('lastfailure', self::COMPONENT);
            unset_config('pauseduntil', self::COMPONENT);
        }
        if ($failed || time() - (self::last_success() ?? 0) >= self::FRESH) {
            set_config('lastsuccess', time(), self::COMPONENT);
        }
    }

    /**
     * The bridge could not be asked, or would not answer.
     *
     * @param failure $failure
     */
    public static function failed(failure $failure): void {
        $told = ['kind' => $failure->kind, 'detail' => $failure->detail, 'time' => time()];
        set_config('lastfailure', json_encode($told), self::COMPONENT);
        if ($failure->retryafter > 0) {
            set_config('pauseduntil', time() + $failure->retryafter, self::COMPONENT);
        }
    }

    /**
     * What is wrong since the last success.
     *
     * @return failure|null
     */
    public static function failure(): ?failure {
        $told = json_decode((string) get_config(self::COMPONENT, 'lastfailure'));
        return isset($told->kind) ? new failure($told->kind, $told->detail ?? '') : null;
    }

    /**
     * When that was.
     *
     * @return int|null
     */
    public static function failure_time(): ?int {
        $told = json_decode((string) get_config(self::COMPONENT, 'lastfailure'));
        return isset($told->time) ? (int) $told->time : null;
    }

    /**
     * When the bridge last answered as it should.
     *
     * @return int|null null when it never did
     */
    public static function last_success(): ?int {
        return ((int) get_config(self::COMPONENT, 'lastsuccess')) ?: null;
    }

    /**
     * Whether the bridge asked to be left alone, and the time is not over.
     *
     * @return bool
     */
    public static function is_paused(): bool {
        return (int) get_config(self::COMPONENT, 'pauseduntil') > time();
    }

    /**
     * The id up to which the walk through all completions has come.
     *
     * @return int 0 at the start of a walk
     */
    public static function cursor(): int {
        return (int) get_config(self::COMPONENT, 'cursor');
    }

    /**
     * The walk has come so far.
     *
     * @param int $cursor
     */
    public static function walked_to(int $cursor): void {
        set_config('cursor', $cursor, self::COMPONENT);
    }

    /**
     * The walk has come to the end, and starts again next time.
     */
    public static function walked_through(): void {
        set_config('cursor', 0, self::COMPONENT);
        set_config('lastwalk', time(), self::COMPONENT);
    }

    /**
     * When a walk last came to the end.
     *
     * @return int|null
     */
    public static function last_walk(): ?int {
        return ((int) get_config(self::COMPONENT, 'lastwalk')) ?: null;
    }
}
