<?php
// Moodle's class completion_info and its constants; the stand-ins need nothing of it.
