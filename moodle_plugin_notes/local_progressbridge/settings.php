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

/**
 * The settings, and the pages beside them.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

use local_progressbridge\admin\setting_categories;
use local_progressbridge\admin\setting_courses;
use local_progressbridge\admin\setting_key;
use local_progressbridge\admin\setting_pace;
use local_progressbridge\admin\setting_timeout;
use local_progressbridge\admin\setting_url;

defined('MOODLE_INTERNAL') || die();

if ($hassiteconfig) {
    $ADMIN->add('localplugins', new admin_category(
        'local_progressbridge_category',
        new lang_string('pluginname', 'local_progressbridge'),
    ));
    $settings = new admin_settingpage('local_progressbridge', new lang_string('settings', 'local_progressbridge'));
    $ADMIN->add('local_progressbridge_category', $settings);
    $ADMIN->add('local_progressbridge_category', new admin_externalpage(
        'local_progressbridge_connection',
        new lang_string('connection', 'local_progressbridge'),
        new moodle_url('/local/progressbridge/connection.php'),
    ));
    $ADMIN->add('local_progressbridge_category', new admin_externalpage(
        'local_progressbridge_status',
        new lang_string('status', 'local_progressbridge'),
        new moodle_url('/local/progressbridge/status.php'),
    ));

    $ADMIN->add('local_progressbridge_category', new admin_externalpage(
        'local_progressbridge_ignored',
        new lang_string('ignored', 'local_progressbridge'),
        new moodle_url('/local/progressbridge/ignored.php'),
    ));

    if ($ADMIN->fulltree) {
        $settings->add(new setting_url(
            'local_progressbridge/url',
            new lang_string('url', 'local_progressbridge'),
            new lang_string('url_desc', 'local_progressbridge'),
            '',
            PARAM_RAW_TRIMMED,
        ));
        $settings->add(new setting_key(
            'local_progressbridge/apikey',
            new lang_string('apikey', 'local_progressbridge'),
            new lang_string('apikey_desc', 'local_progressbridge'),
            '',
        ));
        $settings->add(new setting_timeout(
            'local_progressbridge/timeout',
            new lang_string('timeout', 'local_progressbridge'),
            new lang_string('timeout_desc', 'local_progressbridge'),
        ));
        $settings->add(new setting_categories(
            'local_progressbridge/categories',
            new lang_string('categories', 'local_progressbridge'),
            new lang_string('categories_desc', 'local_progressbridge'),
            [],
            null,
        ));
        $settings->add(new setting_courses(
            'local_progressbridge/courses',
            new lang_string('courses', 'local_progressbridge'),
            new lang_string('courses_desc', 'local_progressbridge'),
            '',
        ));
        $settings->add(new setting_pace(
            'local_progressbridge/pace',
            new lang_string('pace', 'local_progressbridge'),
            new lang_string('pace_desc', 'local_progressbridge'),
        ));
    }
    $settings = null; // It is in its place; the caller must not add it again.
}
