<?php
// Moodle's namespaced classes, as far as the plugin uses them.

namespace core {
    use GuzzleHttp\Client;
    use GuzzleHttp\Exception\RequestException;
    use GuzzleHttp\HandlerStack;

    // The real Guzzle, behind the block list as \core\local\guzzle\check_request puts it.
    class http_client extends Client {
        public function __construct(array $config = []) {
            $stack = HandlerStack::create();
            $stack->unshift(fn($next) => function ($request, $options) use ($next) {
                $helper = new files\curl_security_helper();
                if ($helper->url_is_blocked((string) $request->getUri())) {
                    throw new RequestException($helper->get_blocked_url_string(), $request);
                }
                return $next($request, $options);
            });
            parent::__construct($config + ['handler' => $stack]);
        }
    }

    class di {
        public static function get(string $id): object {
            return new $id();
        }
    }
}

namespace core\files {
    class curl_security_helper {
        public function url_is_blocked($url, $notused = null): bool {
            $blocked = array_filter(explode("\n", (string) get_config('core', 'curlsecurityblockedhosts')));
            $host = (string) parse_url($url, PHP_URL_HOST);
            // As Moodle does: with an address on the list, a name without an IPv4 address is blocked, too.
            return in_array($host, $blocked, true) || ($blocked && !gethostbynamel($host));
        }

        public function get_blocked_url_string(): string {
            return get_string('curlsecurityurlblocked', 'admin');
        }
    }
}

namespace core\event {
    abstract class base {
        public function __construct(private readonly array $data) {
        }

        public function __get($name) {
            return $this->data[$name];
        }

        public function __isset($name) {
            return isset($this->data[$name]);
        }
    }

    class course_module_completion_updated extends base {
    }

    class user_deleted extends base {
    }
}

namespace core\output {
    class notification {
        public const NOTIFY_SUCCESS = 'success';
        public const NOTIFY_WARNING = 'warning';
    }
}

namespace core {
    class notification {
        public static array $warnings = [];

        public static function warning($message): void {
            self::$warnings[] = $message;
        }
    }
}

namespace core\hook\output {
    class before_http_headers {
        public function __construct(public readonly \renderer_base $renderer) {
        }
    }
}

namespace core_completion {
    class cm_completion_details {
        private function __construct(private readonly \cm_info $cm, private readonly int $state) {
        }

        public static function get_instance($cminfo, int $userid, bool $returndetails = true): self {
            if ((int) $cminfo->customrules < 0) {
                throw new \coding_exception('a broken module');
            }
            $where = ['coursemoduleid' => $cminfo->id, 'userid' => $userid];
            return new self($cminfo, (int) $GLOBALS['DB']->get_field('course_modules_completion', 'completionstate', $where));
        }

        public function get_overall_completion(): int {
            return $this->state;
        }

        // As in Moodle 4.5 and 5.1.
        public function is_overall_complete(): bool {
            $passing = $this->cm->completiongradeitemnumber !== null && $this->cm->completionpassgrade;
            $states = match ((int) $this->cm->completion) {
                1 => [1],
                2 => $this->cm->customrules || $passing ? [1, 2] : [1, 2, 3],
                default => [],
            };
            return in_array($this->state, $states, true);
        }
    }
}

namespace core\session {
    class manager {
        public static function write_close(): void {
            $GLOBALS['sessionclosed'] = true;
        }
    }
}

namespace core\check {
    abstract class check {
        public function get_name(): string {
            $class = explode('\\', static::class);
            return get_string('check' . end($class), 'local_progressbridge');
        }

        public function get_action_link(): ?\action_link {
            return null;
        }

        abstract public function get_result(): result;
    }

    class result {
        public const NA = 'na';
        public const OK = 'ok';
        public const INFO = 'info';
        public const UNKNOWN = 'unknown';
        public const WARNING = 'warning';
        public const ERROR = 'error';

        public function __construct(public $status, public $summary, public $details = '') {
        }
    }
}

namespace core\task {
    abstract class task_base {
        abstract public function execute();
    }

    abstract class scheduled_task extends task_base {
        abstract public function get_name();
    }

    abstract class adhoc_task extends task_base {
        private $attemptsavailable = null;

        public function get_name() {
            return static::class;
        }

        public function get_attempts_available(): ?int {
            return $this->attemptsavailable;
        }

        public function set_attempts_available(?int $attemptsavailable): void {
            $this->attemptsavailable = $attemptsavailable;
        }
    }

    class manager {
        public static function queue_adhoc_task(adhoc_task $task, $checkforexisting = false): mixed {
            global $DB;
            $record = ['component' => 'local_progressbridge', 'classname' => '\\' . $task::class, 'customdata' => ''];
            // As Moodle does: one that has no attempts left counts as existing.
            if ($checkforexisting && $DB->record_exists('task_adhoc', $record)) {
                return false;
            }
            return $DB->insert_record('task_adhoc', $record);
        }
    }
}
