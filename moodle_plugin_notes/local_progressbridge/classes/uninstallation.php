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

use core\hook\output\before_http_headers;
use core\notification;

/**
 * Keeps learners who wait to be erased from being forgotten when the plugin is uninstalled.
 *
 * Moodle asks no local plugin for words of its own on the page that confirms (\core\plugininfo\local has no
 * get_uninstall_extra_warning()), so a hook puts them there. The command line has no such page.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class uninstallation {
    /**
     * Warn on the page that asks whether to uninstall this plugin.
     *
     * Called for every page of Moodle, so it looks at the address first.
     *
     * @param before_http_headers $hook
     */
    public static function warn_before_confirmation(before_http_headers $hook): void {
        $page = $hook->renderer->get_page();
        if (!$page->has_set_url() || !$page->url->compare(new \moodle_url('/admin/plugins.php'), URL_MATCH_BASE)) {
            return;
        }
        $asked = optional_param('uninstall', '', PARAM_COMPONENT) === 'local_progressbridge';
        if (!$asked || optional_param('confirm', false, PARAM_BOOL)) {
            return; // Once it is confirmed, the tables are gone.
        }
        $waiting = eraser::count_waiting();
        if ($waiting) {
            notification::warning(get_string('uninstall:waiting', 'local_progressbridge', $waiting));
        }
    }

    /**
     * Erase the learners that wait, and those whom no event announced, all of them or up to the first failure.
     *
     * @return string|null who could not be erased, why, and what to do, in plain text; null when nobody is left
     */
    public static function erase_waiting(): ?string {
        eraser::request_missed();
        try {
            if (eraser::count_waiting()) {
                (new eraser(client::from_config()))->erase_waiting(PHP_INT_MAX);
            }
            return null;
        } catch (failure $failure) {
            $a = (object) ['learners' => implode(', ', eraser::waiting()), 'failure' => $failure->getMessage()];
            return get_string('uninstall:left', 'local_progressbridge', $a);
        }
    }
}
