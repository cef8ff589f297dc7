<?php
// Moodle's $DB (\moodle_database) over SQLite: the methods that the plugin calls.

class dml_exception extends moodle_exception {
}

class dml_write_exception extends dml_exception {
}

class moodle_database {
    private int $names = 0;

    public function __construct(private readonly PDO $pdo) {
        $pdo->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
        $pdo->exec('PRAGMA busy_timeout = 5000');
    }

    /** Make the tables that a plugin's install.xml describes. */
    public function install(string $installxml): void {
        foreach (simplexml_load_file($installxml)->TABLES->TABLE as $table) {
            $columns = [];
            foreach ($table->FIELDS->FIELD as $field) {
                $columns[] = self::column($field);
            }
            $this->pdo->exec("CREATE TABLE mdl_{$table['NAME']} (" . implode(', ', $columns) . ')');
            foreach ($table->KEYS->KEY as $key) {
                if ((string) $key['TYPE'] === 'unique') {
                    $this->index($table, $key, 'UNIQUE');
                }
            }
            foreach ($table->INDEXES->INDEX as $index) {
                $this->index($table, $index, (string) $index['UNIQUE'] === 'true' ? 'UNIQUE' : '');
            }
        }
    }

    private static function column(SimpleXMLElement $field): string {
        if ((string) $field['SEQUENCE'] === 'true') {
            return "{$field['NAME']} INTEGER PRIMARY KEY";
        }
        $type = (string) $field['TYPE'] === 'char' ? 'TEXT' : 'INTEGER';
        $column = "{$field['NAME']} {$type}" . ((string) $field['NOTNULL'] === 'true' ? ' NOT NULL' : '');
        if ($type === 'TEXT') {
            // As Moodle's generators: text that must not be null is empty by default.
            $column .= (string) $field['NOTNULL'] === 'true' ? " DEFAULT ''" : '';
            $column .= " CHECK (length({$field['NAME']}) <= {$field['LENGTH']})";
        }
        return $column . (isset($field['DEFAULT']) ? " DEFAULT {$field['DEFAULT']}" : '');
    }

    private function index(SimpleXMLElement $table, SimpleXMLElement $index, string $unique): void {
        $this->pdo->exec("CREATE {$unique} INDEX {$table['NAME']}_{$index['NAME']} ON mdl_{$table['NAME']} ({$index['FIELDS']})");
    }

    private function query(string $sql, ?array $params): PDOStatement {
        $sql = preg_replace('/\{([a-z][a-z0-9_]*)\}/', 'mdl_$1', $sql);
        preg_match_all('/(?<!:):([a-z][a-z0-9_]*)/', $sql, $named);
        $params ??= [];
        if ($named[1]) {
            // As Moodle: each placeholder is there once, has its parameter, and no parameter is left over.
            if (count($named[1]) !== count(array_unique($named[1])) || array_diff_key($params, array_flip($named[1]))) {
                throw new coding_exception("placeholders and parameters differ in: {$sql}");
            }
        }
        try {
            $statement = $this->pdo->prepare($sql);
            foreach ($params as $name => $value) {
                $type = is_int($value) || is_bool($value) ? PDO::PARAM_INT : PDO::PARAM_STR;
                $statement->bindValue(is_int($name) ? $name + 1 : $name, $value, $value === null ? PDO::PARAM_NULL : $type);
            }
            $statement->execute();
        } catch (PDOException $exception) {
            $class = preg_match('/^\s*(INSERT|UPDATE)/', $sql) ? 'dml_write_exception' : 'dml_exception';
            throw new $class('dml', 'error', '', null, $exception->getMessage() . ' in ' . $sql);
        }
        return $statement;
    }

    private function where(?array $conditions): array {
        $parts = [];
        $params = [];
        foreach ($conditions ?? [] as $field => $value) {
            if ($value === null) {
                $parts[] = "{$field} IS NULL";
            } else {
                $parts[] = "{$field} = ?";
                $params[] = $value;
            }
        }
        return [$parts ? 'WHERE ' . implode(' AND ', $parts) : '', $params];
    }

    // Values are strings, as Moodle's drivers give them.
    private static function as_object(array $row): stdClass {
        return (object) array_map(fn($value) => $value === null ? null : (string) $value, $row);
    }

    public function get_records_sql($sql, ?array $params = null, $limitfrom = 0, $limitnum = 0): array {
        if ($limitfrom || $limitnum) {
            $sql .= ' LIMIT ' . ($limitnum ?: -1) . ' OFFSET ' . (int) $limitfrom;
        }
        $records = [];
        foreach ($this->query($sql, $params)->fetchAll(PDO::FETCH_ASSOC) as $row) {
            $key = reset($row);
            if (isset($records[$key])) {
                throw new coding_exception("the first column is not unique in: {$sql}");
            }
            $records[$key] = self::as_object($row);
        }
        return $records;
    }

    public function get_records($table, ?array $conditions = null, $sort = '', $fields = '*', $limitfrom = 0, $limitnum = 0): array {
        [$where, $params] = $this->where($conditions);
        $order = $sort ? "ORDER BY {$sort}" : '';
        return $this->get_records_sql("SELECT {$fields} FROM {{$table}} {$where} {$order}", $params, $limitfrom, $limitnum);
    }

    public function get_records_select($table, $select, ?array $params = null, $sort = '', $fields = '*', $from = 0, $num = 0): array {
        $order = $sort ? "ORDER BY {$sort}" : '';
        return $this->get_records_sql("SELECT {$fields} FROM {{$table}} WHERE {$select} {$order}", $params, $from, $num);
    }

    public function get_record($table, array $conditions): stdClass|false {
        $records = $this->get_records($table, $conditions);
        return reset($records);
    }

    public function get_field($table, $return, array $conditions): mixed {
        [$where, $params] = $this->where($conditions);
        return $this->get_field_sql("SELECT {$return} FROM {{$table}} {$where}", $params);
    }

    public function get_field_sql($sql, ?array $params = null): mixed {
        $row = $this->query($sql, $params)->fetch(PDO::FETCH_NUM);
        return $row === false ? false : ($row[0] === null ? null : (string) $row[0]);
    }

    public function get_fieldset_sql($sql, ?array $params = null): array {
        return $this->query($sql, $params)->fetchAll(PDO::FETCH_COLUMN);
    }

    public function record_exists($table, array $conditions): bool {
        return $this->count_records($table, $conditions) > 0;
    }

    public function count_records($table, ?array $conditions = null): int {
        [$where, $params] = $this->where($conditions);
        return $this->count_records_sql("SELECT COUNT('x') FROM {{$table}} {$where}", $params);
    }

    public function count_records_select($table, $select, ?array $params = null): int {
        return $this->count_records_sql("SELECT COUNT('x') FROM {{$table}} WHERE {$select}", $params);
    }

    public function count_records_sql($sql, ?array $params = null): int {
        return (int) $this->get_field_sql($sql, $params);
    }

    public function insert_record($table, $record): int {
        $record = (array) $record;
        unset($record['id']);
        $places = implode(', ', array_fill(0, count($record), '?'));
        $this->query("INSERT INTO {{$table}} (" . implode(', ', array_keys($record)) . ") VALUES ({$places})", array_values($record));
        return (int) $this->pdo->lastInsertId();
    }

    public function insert_records($table, $records): void {
        // One statement for all, as PostgreSQL's and MySQL's drivers do: all or none.
        $this->pdo->beginTransaction();
        try {
            foreach ($records as $record) {
                $this->insert_record($table, $record);
            }
            $this->pdo->commit();
        } catch (dml_write_exception $exception) {
            $this->pdo->rollBack();
            throw $exception;
        }
    }

    public function update_record($table, $record): bool {
        $record = (array) $record;
        $id = $record['id'];
        unset($record['id']);
        $set = implode(', ', array_map(fn($field) => "{$field} = ?", array_keys($record)));
        $this->query("UPDATE {{$table}} SET {$set} WHERE id = ?", [...array_values($record), $id]);
        return true;
    }

    public function execute($sql, ?array $params = null): bool {
        $this->query($sql, $params);
        return true;
    }

    public function set_field($table, $field, $value, ?array $conditions = null): bool {
        [$where, $params] = $this->where($conditions);
        $this->query("UPDATE {{$table}} SET {$field} = ? {$where}", [$value, ...$params]);
        return true;
    }

    public function set_field_select($table, $field, $value, $select, ?array $params = null): bool {
        $this->query("UPDATE {{$table}} SET {$field} = :newvalue WHERE {$select}", ['newvalue' => $value] + $params);
        return true;
    }

    public function delete_records($table, ?array $conditions = null): bool {
        [$where, $params] = $this->where($conditions);
        $this->query("DELETE FROM {{$table}} {$where}", $params);
        return true;
    }

    public function delete_records_list($table, $field, array $values): bool {
        if ($values) {
            [$in, $params] = $this->get_in_or_equal($values);
            $this->query("DELETE FROM {{$table}} WHERE {$field} {$in}", $params);
        }
        return true;
    }

    public function delete_records_select($table, $select, ?array $params = null): bool {
        $this->query("DELETE FROM {{$table}} WHERE {$select}", $params);
        return true;
    }

    public function get_in_or_equal($items, $type = SQL_PARAMS_QM, $prefix = 'param', $equal = true, $onemptyitems = false): array {
        if (!$equal) {
            throw new coding_exception('the stand-in knows equal alone');
        }
        $items = array_values((array) $items);
        if (!$items && $onemptyitems === false) {
            throw new coding_exception('moodle_database::get_in_or_equal() does not accept empty arrays');
        }
        $items = $items ?: [$onemptyitems];
        $places = array_map(fn() => $type === SQL_PARAMS_QM ? '?' : ':' . $prefix . ++$this->names, $items);
        $params = $type === SQL_PARAMS_QM ? $items : array_combine(array_map(fn($place) => substr($place, 1), $places), $items);
        return ['IN (' . implode(',', $places) . ')', $params];
    }

    public function sql_equal($fieldname, $param, $casesensitive = true, $accentsensitive = true, $notequal = false): string {
        return $fieldname . ($notequal ? ' <> ' : ' = ') . $param;
    }
}
