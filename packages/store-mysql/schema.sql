-- What migrate() of @sess/store-mysql creates, with the default name of the table. All instants are ms since 1970 (UTC).
-- Bytes (UTF-8) everywhere: they are compared exactly. To read them: SELECT CONVERT(data USING utf8mb4) …

CREATE TABLE IF NOT EXISTS `sess_sessions` (
  seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id VARBINARY(255) NOT NULL,
  revision VARBINARY(255) NOT NULL,
  state VARBINARY(16) NOT NULL,
  subject LONGBLOB,
  created_at BIGINT NOT NULL,
  absolute_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  data LONGBLOB NOT NULL,
  rest LONGBLOB NOT NULL,
  evicted BOOLEAN NOT NULL DEFAULT FALSE,
  UNIQUE KEY id (id),
  KEY subject (subject(191), seq),
  KEY absolute_at (absolute_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;
