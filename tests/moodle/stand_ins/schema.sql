-- What the plugin reads of Moodle's own tables; names and meanings are Moodle's.
CREATE TABLE mdl_user (id INTEGER PRIMARY KEY, username TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0);
CREATE INDEX mdl_user_del_ix ON mdl_user (deleted);
CREATE TABLE mdl_course_categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL);
CREATE TABLE mdl_course (
    id INTEGER PRIMARY KEY, category INTEGER NOT NULL, shortname TEXT NOT NULL, fullname TEXT NOT NULL,
    idnumber TEXT NOT NULL DEFAULT '', enablecompletion INTEGER NOT NULL DEFAULT 1,
    sortorder INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE mdl_course_modules (
    id INTEGER PRIMARY KEY, course INTEGER NOT NULL, idnumber TEXT, completion INTEGER NOT NULL DEFAULT 1,
    completiongradeitemnumber INTEGER, completionpassgrade INTEGER NOT NULL DEFAULT 0,
    deletioninprogress INTEGER NOT NULL DEFAULT 0,
    customrules INTEGER NOT NULL DEFAULT 0 -- not Moodle's: how many rules of its own the module checks
);
CREATE TABLE mdl_course_modules_completion (
    id INTEGER PRIMARY KEY, coursemoduleid INTEGER NOT NULL, userid INTEGER NOT NULL,
    completionstate INTEGER NOT NULL, timemodified INTEGER NOT NULL, overrideby INTEGER
);
CREATE UNIQUE INDEX mdl_courmoducomp_usecou_uix ON mdl_course_modules_completion (userid, coursemoduleid);
CREATE TABLE mdl_context (id INTEGER PRIMARY KEY, contextlevel INTEGER NOT NULL, instanceid INTEGER NOT NULL);
CREATE TABLE mdl_config_plugins (plugin TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (plugin, name));
CREATE TABLE mdl_task_adhoc (
    id INTEGER PRIMARY KEY, component TEXT NOT NULL, classname TEXT NOT NULL, customdata TEXT,
    attemptsavailable INTEGER NOT NULL DEFAULT 12
);
INSERT INTO mdl_user (id, username) VALUES (1, 'guest'), (2, 'admin');
