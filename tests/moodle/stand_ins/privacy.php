<?php
// Moodle's privacy interface, as far as the plugin uses it.

namespace core_privacy\local\metadata {
    interface provider {
        public static function get_metadata(collection $collection): collection;
    }

    class collection {
        public array $items = [];

        public function __construct(string $component) {
        }

        public function add_external_location_link($name, array $privacyfields, $summary = ''): static {
            $this->items[] = ['name' => $name, 'fields' => $privacyfields, 'summary' => $summary];
            return $this;
        }

        public function add_database_table($name, array $privacyfields, $summary = ''): static {
            return $this->add_external_location_link($name, $privacyfields, $summary);
        }
    }
}

namespace core_privacy\local\request\plugin {
    interface provider extends \core_privacy\local\request\core_user_data_provider {
    }
}

namespace core_privacy\local\request {
    interface core_user_data_provider {
        public static function get_contexts_for_userid(int $userid): contextlist;
        public static function export_user_data(approved_contextlist $contextlist);
        public static function delete_data_for_all_users_in_context(\context $context);
        public static function delete_data_for_user(approved_contextlist $contextlist);
    }

    interface core_userlist_provider {
        public static function get_users_in_context(userlist $userlist);
        public static function delete_data_for_users(approved_userlist $userlist);
    }

    class contextlist {
        public array $ids = [];

        public function add_from_sql(string $sql, array $params): static {
            $this->ids = array_unique([...$this->ids, ...$GLOBALS['DB']->get_fieldset_sql($sql, $params)]);
            return $this;
        }
    }

    class approved_contextlist {
        public function __construct(private readonly \stdClass $user, string $component, private readonly array $contexts) {
        }

        public function get_user(): \stdClass {
            return $this->user;
        }

        public function get_contexts(): array {
            return $this->contexts;
        }
    }

    class userlist {
        public array $ids = [];

        public function __construct(private readonly \context $context, string $component) {
        }

        public function get_context(): \context {
            return $this->context;
        }

        public function add_from_sql(string $fieldname, string $sql, array $params): static {
            $this->ids = array_unique([...$this->ids, ...$GLOBALS['DB']->get_fieldset_sql($sql, $params)]);
            return $this;
        }

        public function get_userids(): array {
            return $this->ids;
        }
    }

    class approved_userlist extends userlist {
        public function __construct(\context $context, string $component, array $userids) {
            parent::__construct($context, $component);
            $this->ids = $userids;
        }
    }

    class transform {
        public static function datetime($datetime): string {
            return userdate($datetime);
        }
    }

    class writer {
        public static array $exported = [];

        public static function with_context(\context $context): self {
            return new self();
        }

        public function export_data(array $subcontext, \stdClass $data): self {
            self::$exported[] = $data;
            return $this;
        }
    }
}
