<?php
// Moodle's functions, constants and classes outside namespaces, as far as the plugin uses them.

const MOODLE_INTERNAL = true;
defined('CLI_SCRIPT') || define('CLI_SCRIPT', false);
const CONTEXT_USER = 30;
const CONTEXT_COURSE = 50;
const CONTEXT_MODULE = 70;
const DEBUG_NORMAL = 15;
const HOURSECS = 3600;
const DAYSECS = 86400;
const IGNORE_MISSING = 0;
const MATURITY_BETA = 100;
const PARAM_BOOL = 'bool';
const PARAM_COMPONENT = 'component';
const PARAM_INT = 'int';
const PARAM_RAW = 'raw';
const PARAM_RAW_TRIMMED = 'raw_trimmed';
const SQL_PARAMS_NAMED = 1;
const SQL_PARAMS_QM = 2;
const URL_MATCH_BASE = 0;
const YEARSECS = 31536000;

class moodle_exception extends Exception {
    public function __construct(
        public $errorcode,
        public $module = '',
        public $link = '',
        public $a = null,
        public $debuginfo = null,
    ) {
        $known = $module !== 'error' && $module !== '';
        parent::__construct($known ? get_string($errorcode, $module, $a) : "{$errorcode} {$debuginfo}");
    }
}

class coding_exception extends moodle_exception {
    public function __construct(string $hint) {
        parent::__construct('codingerror', 'error', '', null, $hint);
    }
}

class moodle_url {
    public function __construct(private readonly string $path, private readonly array $params = []) {
    }

    public function out(bool $escaped = true): string {
        $separator = $escaped ? '&amp;' : '&';
        $query = $this->params ? '?' . http_build_query($this->params, '', $separator) : '';
        return $GLOBALS['CFG']->wwwroot . $this->path . $query;
    }

    public function compare(moodle_url $url, $matchtype = 2): bool {
        return $matchtype === URL_MATCH_BASE && $this->path === $url->path;
    }
}

class action_link {
    public function __construct(public moodle_url $url, public string $text) {
    }
}

class core_text {
    public static function substr($text, $start, $len = null): string {
        return mb_substr($text, $start, $len, 'UTF-8');
    }
}

class context {
    public function __construct(public $id, public $contextlevel, public $instanceid) {
    }
}

class context_course extends context {
    public static function instance($courseid, $strictness = 2): context_course|false {
        return $GLOBALS['DB']->record_exists('course', ['id' => $courseid]) ? new self(0, CONTEXT_COURSE, $courseid) : false;
    }
}

class context_user extends context {
}

interface renderable {
}

interface templatable {
    public function export_for_template(renderer_base $output);
}

class renderer_base {
    public function get_page(): object {
        return $GLOBALS['PAGE'];
    }

    public function paging_bar($totalcount, $page, $perpage, $baseurl): string {
        return $totalcount > $perpage ? '<nav>page ' . ($page + 1) . ' of ' . ceil($totalcount / $perpage) . '</nav>' : '';
    }
}

/** An activity: its row, and its name, which is its number here. */
class cm_info {
    public function __construct(private readonly stdClass $row) {
    }

    public function __get($name): mixed {
        return $this->row->$name;
    }

    public function get_formatted_name(): string {
        return "Activity &amp; {$this->row->id}";
    }
}

class lang_string {
    public function __construct(private readonly string $identifier, private readonly string $component) {
    }

    public function __toString(): string {
        return get_string($this->identifier, $this->component);
    }
}

function get_string($identifier, $component = '', $a = null): string {
    global $CFG;
    if ($component !== 'local_progressbridge') {
        return "[[{$identifier},{$component}]]";
    }
    $string = [];
    require("{$CFG->plugin}/lang/{$CFG->lang}/local_progressbridge.php");
    if (!isset($string[$identifier])) {
        throw new coding_exception("no string {$identifier}");
    }
    $a = is_object($a) ? (array) $a : $a;
    return preg_replace_callback(
        '/\{\$a(?:->(\w+))?\}/',
        fn($found) => (string) (isset($found[1]) ? $a[$found[1]] : $a),
        $string[$identifier],
    );
}

// Read from the database each time: the other processes of a test change it.
function get_config($plugin, $name = null): mixed {
    global $DB;
    if ($name !== null) {
        return $DB->get_field('config_plugins', 'value', ['plugin' => $plugin, 'name' => $name]);
    }
    $records = $DB->get_records('config_plugins', ['plugin' => $plugin], '', 'name, value');
    return (object) array_map(fn($record) => $record->value, $records);
}

function set_config($name, $value, $plugin = null): bool {
    global $DB;
    unset_config($name, $plugin);
    $DB->insert_record('config_plugins', ['plugin' => $plugin, 'name' => $name, 'value' => $value]);
    return true;
}

function unset_config($name, $plugin = null): bool {
    return $GLOBALS['DB']->delete_records('config_plugins', ['plugin' => $plugin, 'name' => $name]);
}

/** The activities of a course. */
class course_modinfo {
    public function __construct(private readonly array $cms) {
    }

    public function get_cms(): array {
        return $this->cms;
    }
}

function get_fast_modinfo($courseorid, $userid = 0): course_modinfo {
    $rows = $GLOBALS['DB']->get_records('course_modules', ['course' => $courseorid]);
    return new course_modinfo(array_map(fn($row) => new cm_info($row), $rows));
}

function s($text): string {
    return htmlspecialchars((string) $text, ENT_QUOTES | ENT_HTML401 | ENT_SUBSTITUTE);
}

function format_string($string, $striplinks = true, $options = null): string {
    return s($string);
}

function userdate($time): string {
    return gmdate('Y-m-d H:i', (int) $time);
}

function mtrace($string, $eol = "\n"): void {
    $GLOBALS['mtrace'][] = $string;
}

function debugging($message = '', $level = DEBUG_NORMAL): bool {
    $GLOBALS['debugging'][] = $message;
    return true;
}

function sesskey(): string {
    return 'the-sesskey';
}

function require_sesskey(): void {
    if (($_POST['sesskey'] ?? '') !== sesskey()) {
        throw new moodle_exception('invalidsesskey', 'error');
    }
}

function optional_param($parname, $default, $type): mixed {
    $value = $_POST[$parname] ?? $default;
    return match ($type) {
        PARAM_INT => (int) $value,
        PARAM_BOOL => (bool) $value,
        PARAM_COMPONENT => preg_match('/^[a-z][a-z0-9_]*$/D', (string) $value) ? $value : '',
    };
}

function redirect($url, $message = '', $delay = null, $messagetype = 'info'): never {
    throw new moodle_exception('redirect', 'error', '', null, $url->out(false) . ' ' . $message);
}
