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

namespace local_progressbridge\admin;

use local_progressbridge\client;

/**
 * The bridge's address: over TLS, because a key goes there.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class setting_url extends \admin_setting_configtext {
    #[\Override]
    public function validate($data) {
        $data = trim($data);
        if ($data === '' || (filter_var($data, FILTER_VALIDATE_URL) && client::is_safe($data))) {
            return true;
        }
        return get_string('failure:insecure', 'local_progressbridge', $data);
    }
}
