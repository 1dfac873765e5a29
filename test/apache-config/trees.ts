import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SEKISHO_LOG_FORMAT } from "../../src/parse/named-formats.ts";

/** A configuration that a real Apache is started with, and a request for each of its vhosts. */
export interface Tree {
  readonly files: Readonly<Record<string, string | null>>;
  /** Starts Apache as the distribution does. */
  readonly start: string;
  readonly hosts: readonly (readonly [port: number, host: string])[];
}

const SEKISHO_FORMAT = `LogFormat "${SEKISHO_LOG_FORMAT.replaceAll('"', '\\"')}" sekisho\n`;
const MODULES = "/usr/lib/apache2/modules";
const debianModule = (name: string) => ({
  [`/etc/apache2/mods-enabled/${name}.load`]: `LoadModule ${name}_module ${MODULES}/mod_${name}.so\n`,
});
const DEBIAN = ". /etc/apache2/envvars && apache2 -k start";

/** As the package leaves it: this machine's own /etc/apache2. */
const stock: Tree = { files: {}, start: DEBIAN, hosts: [[80, "anything.example"]] };

/** What years of administration make of it. */
const grown: Tree = {
  start: DEBIAN,
  hosts: [
    [80, "chat.example"],
    [80, "silent.example"],
    [8081, "split.example"],
    [8082, "one.example"],
    [8082, "two.example"],
    [8083, "rotated.example"],
    [8084, "macro-a.example"],
    [8084, "macro-b.example"],
    [8085, "old.example"],
    [8099, "nobody.example"],
  ],
  files: {
    ...debianModule("proxy"),
    ...debianModule("proxy_http"),
    ...debianModule("macro"),
    ...debianModule("rewrite"),
    ...debianModule("setenvif"),
    "/etc/apache2/ports.conf": `Listen 80
Listen 8081
Listen 8082
LISTEN 127.0.0.1:8083
<IfModule macro_module>
  Listen 8084
</IfModule>
<IfModule !mod_rewrite.c>
  Listen 8086
</IfModule>
Listen 8085
Listen 8099
`,
    "/etc/apache2/conf-enabled/zz-formats.conf": `${SEKISHO_FORMAT}Define logs \${APACHE_LOG_DIR}/sites
`,
    "/etc/apache2/sites-enabled/000-default.conf": null,
    "/etc/apache2/sites-enabled/chat.conf": `<VirtualHost *:80>
  ServerName chat.example
  ServerAlias www.chat.example
  ProxyPass /ws/ http://127.0.0.1:9001/ upgrade=websocket
  ErrorLog \${APACHE_LOG_DIR}/chat_error.log
  CustomLog \${APACHE_LOG_DIR}/chat_access.log combined
  CustomLog \${APACHE_LOG_DIR}/chat_ws.log \\
    sekisho
</VirtualHost>
# CustomLog /var/log/apache2/commented.log combined \\
CustomLog /var/log/apache2/commented-too.log combined
<VirtualHost *:80>
  ServerName silent.example
</VirtualHost>
`,
    "/etc/apache2/sites-enabled/more.conf": `<VirtualHost *:8081>
  ServerName split.example
  SetEnvIf Request_URI "\\.png$" picture
  CustomLog "\${APACHE_LOG_DIR}/split pictures.log" combined env=picture
  CustomLog '\${APACHE_LOG_DIR}/split_rest.log' combined env=!picture
</VirtualHost>
<VirtualHost *:8082>
  ServerName one.example
  customlog \${APACHE_LOG_DIR}/both.log vhost_combined
</VirtualHost>
<VirtualHost *:8082>
  ServerName two.example
  CustomLog \${APACHE_LOG_DIR}/both.log vhost_combined
  CustomLog \${APACHE_LOG_DIR}/two.log combined
</VirtualHost>
<VirtualHost 127.0.0.1:8083>
  ServerName rotated.example
  CustomLog "|/usr/bin/rotatelogs \${APACHE_LOG_DIR}/rotated.%Y-%m-%d.log 86400" combined
  ErrorLog "|/usr/bin/rotatelogs -f \${APACHE_LOG_DIR}/rotated_error.log 5M"
</VirtualHost>
<VirtualHost *:8085>
  ServerName old.example
  <IfDefine logs>
    LogFormat "%h %l %u %t \\"%r\\" %s %b old"
    TransferLog \${APACHE_LOG_DIR}/old.log
  </IfDefine>
  <IfVersion < 2.4>
    CustomLog \${APACHE_LOG_DIR}/never.log combined
  </IfVersion>
</VirtualHost>
`,
    "/etc/apache2/sites-enabled/zz-macro.conf": `<Macro Site $name>
  <VirtualHost *:8084>
    ServerName $name.example
    CustomLog \${APACHE_LOG_DIR}/$name.log combined
    UnDefine never
    <IfDefine never>
      CustomLog \${APACHE_LOG_DIR}/$name-never.log combined
    </IfDefine>
  </VirtualHost>
</Macro>
Use Site macro-a
use site macro-b
`,
  },
};

/** With the log that `sekisho apache snippet` proposes. */
const proposed: Tree = {
  ...grown,
  files: {
    ...grown.files,
    "/etc/apache2/conf-enabled/sekisho.conf": "GlobalLog /var/log/apache2/sekisho.log sekisho\n",
  },
};

/** As RHEL ships it: one main file, conf.d and conf.modules.d, and logs that are a link. */
const rhel: Tree = {
  start:
    "ln -s ../../var/log/httpd /etc/httpd/logs && apache2 -d /etc/httpd -f /etc/httpd/conf/httpd.conf -k start",
  hosts: [
    [80, "main.example"],
    [8443, "shop.example"],
  ],
  files: {
    "/etc/apache2": null,
    "/etc/sysconfig/httpd": 'OPTIONS="-D EXTRA"\nLANG=C\n',
    "/etc/httpd/conf/httpd.conf": `ServerRoot "/etc/httpd"
Listen 80
Include conf.modules.d/*.conf
User www-data
Group www-data
ServerName localhost
PidFile /run/httpd.pid
ErrorLog "logs/error_log"
LogLevel warn
<IfModule log_config_module>
    LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
    LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
    <IfModule logio_module>
      LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\" %I %O" combinedio
    </IfModule>
    CustomLog "logs/access_log" combined
</IfModule>
IncludeOptional conf.d/*.conf
`,
    "/etc/httpd/conf.modules.d/00-base.conf": `LoadModule mpm_event_module ${MODULES}/mod_mpm_event.so
LoadModule authz_core_module ${MODULES}/mod_authz_core.so
`,
    "/etc/httpd/conf.d/ssl.conf": `Listen 8443
<VirtualHost _default_:8443>
ServerName shop.example
ErrorLog logs/ssl_error_log
TransferLog logs/ssl_access_log
CustomLog logs/ssl_request_log \\
          "%t %h %{HTTPS}e \\"%r\\" %b"
</VirtualHost>
`,
  },
};

const logTo = (name: string) => `CustomLog /var/log/apache2/${name}.log combined`;

/** language.conf, and what it includes. */
const language: Tree = {
  start: DEBIAN,
  hosts: [[80, "any.example"]],
  files: {
    ...debianModule("macro"),
    "/etc/apache2/sites-enabled/000-default.conf": null,
    "/etc/apache2/folder/a.conf": logTo("folder-a"),
    "/etc/apache2/folder/a.conf~": logTo("folder-backup"),
    "/etc/apache2/folder/.hidden": logTo("folder-hidden"),
    "/etc/apache2/folder/deep/er.txt": logTo("folder-deeper"),
    "/etc/apache2/glob/b.conf": logTo("glob-b"),
    "/etc/apache2/glob/.b.conf": logTo("glob-hidden"),
    "/etc/apache2/glob/c.conf.bak": logTo("glob-backup"),
    "/etc/apache2/glob/folder.conf/any": logTo("glob-folder"),
    "/etc/apache2/envvars": `export APACHE_RUN_USER=www-data
export APACHE_RUN_GROUP=www-data
export APACHE_PID_FILE=/run/apache2/apache2$SUFFIX.pid
export APACHE_RUN_DIR=/run/apache2
export APACHE_LOCK_DIR="/run/lock"
APACHE_LOG_DIR=/var/log/apache2$SUFFIX # not /srv
export APACHE_LOG_DIR
: \${APACHE_EXTRA:=extra}
export APACHE_EXTRA
export WRITTEN='single $SUFFIX'
export CALLED="\${NOBODY:-fallback}"
`,
    "/etc/apache2/conf-enabled/language.conf": readFileSync(
      join(import.meta.dirname, "language.conf"),
      "utf8",
    ),
  },
};

export const TREES: Readonly<Record<string, Tree>> = {
  "a Debian that uses all of the language": language,
  "Debian's as it is shipped": stock,
  "a Debian with many sites": grown,
  "a Debian with the log that Sekisho proposes": proposed,
  "RHEL's": rhel,
};
