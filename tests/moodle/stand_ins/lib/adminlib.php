<?php
// Moodle's functions and classes for administrators' pages and settings.

class stand_in_output extends renderer_base {
    public function header(): string {
        return '';
    }

    public function heading($text): string {
        return '';
    }

    public function notification($message, $type = null, $closebutton = true): string {
        return "<div class=\"{$type}\">{$message}</div>";
    }

    public function footer(): string {
        return '';
    }

    // The template is rendered by the tests; here its name and context are shown.
    public function render_from_template($templatename, $context): string {
        return json_encode(['template' => $templatename, 'context' => $context]);
    }
}

function admin_externalpage_setup($section): void {
    if (getenv('MOODLE_USER') !== 'admin') {
        throw new moodle_exception('accessdenied', 'admin-stand-in-error');
    }
    $GLOBALS['PAGE']->url = new moodle_url("/{$section}");
    $GLOBALS['OUTPUT'] = new stand_in_output();
}

abstract class part_of_settings {
    public array $children = [];

    public function add(...$children): void {
        $this->children[] = end($children);
    }
}

class admin_root extends part_of_settings {
    public bool $fulltree = true;
}

class admin_category extends part_of_settings {
    public function __construct(public string $name, public $visiblename) {
    }
}

class admin_settingpage extends admin_category {
}

class admin_externalpage {
    public function __construct(public string $name, public $visiblename, public moodle_url $url) {
    }
}

abstract class admin_setting {
    public function __construct(public $name, public $visiblename, public $description, public $defaultsetting) {
    }

    public function get_defaultsetting() {
        return $this->defaultsetting;
    }

    public function config_write($name, $value): bool {
        [$plugin, $name] = explode('/', $name);
        return set_config($name, $value, $plugin);
    }
}

class admin_setting_configtext extends admin_setting {
    public function __construct($name, $visible, $description, $default, public $paramtype = PARAM_RAW, $size = null) {
        parent::__construct($name, $visible, $description, $default);
    }

    public function validate($data) {
        return true;
    }

    public function write_setting($data) {
        if ($this->paramtype === PARAM_INT && $data === '') {
            $data = 0;
        }
        $validated = $this->validate($data);
        if ($validated !== true) {
            return $validated;
        }
        return $this->config_write($this->name, $data) ? '' : 'not saved';
    }
}

class admin_setting_configtextarea extends admin_setting_configtext {
    public function __construct($name, $visible, $description, $default, $paramtype = PARAM_RAW, $cols = '60', $rows = '8') {
        parent::__construct($name, $visible, $description, $default, $paramtype);
    }
}

class admin_setting_configpasswordunmask extends admin_setting_configtext {
}

class admin_setting_configduration extends admin_setting {
    public function __construct($name, $visible, $description, $default, public $defaultunit = 86400) {
        parent::__construct($name, $visible, $description, ['v' => (int) $default, 'u' => 1]);
    }

    public function set_max_duration(?int $duration): void {
    }

    protected function validate_setting(int $data): string {
        return '';
    }

    public function write_setting($data) {
        if (!is_array($data)) {
            return '';
        }
        $seconds = (int) $data['v'] * (int) $data['u'];
        $error = $this->validate_setting($seconds);
        return $error ?: ($this->config_write($this->name, $seconds) ? '' : 'not saved');
    }
}

class admin_setting_configmultiselect extends admin_setting {
    public function __construct($name, $visible, $description, $default, public $choices) {
        parent::__construct($name, $visible, $description, $default);
    }

    public function load_choices() {
        return true;
    }

    public function get_setting() {
        [$plugin, $name] = explode('/', $this->name);
        $value = get_config($plugin, $name);
        return $value === false ? null : array_filter(explode(',', $value), fn($id) => $id !== '');
    }
}

class core_course_category {
    public static function make_categories_list($requiredcapability = '', $excludeid = 0, $separator = ' / '): array {
        return array_map(fn($category) => $category->name, $GLOBALS['DB']->get_records('course_categories'));
    }
}
