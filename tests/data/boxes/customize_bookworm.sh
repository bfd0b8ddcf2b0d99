set -e
rm -f "$1"/etc/apt/sources.list.d/* "$1"/etc/ssh/ssh_host_* "$1"/etc/hostname "$1"/etc/resolv.conf
printf %s 'deb http://a.example/debian bookworm main
' > "$1"/etc/apt/sources.list
printf %s '127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
' > "$1"/etc/hosts
printf %s 'LANG=C.UTF-8
' > "$1"/etc/default/locale
chroot "$1" useradd --uid 1000 --user-group --create-home --shell /bin/bash --password '*' vagrant
printf %s 'vagrant ALL=(ALL:ALL) NOPASSWD: ALL
' > "$1"/etc/sudoers.d/vagrant
chmod 0440 "$1"/etc/sudoers.d/vagrant
printf %s '[Unit]
Description=Make SSH host keys where there are none
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key
Before=ssh.service

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -C "" -f /etc/ssh/ssh_host_ed25519_key
ExecStart=/usr/bin/ssh-keygen -q -t ecdsa -N "" -C "" -f /etc/ssh/ssh_host_ecdsa_key

[Install]
WantedBy=multi-user.target
' > "$1"/etc/systemd/system/ssh-host-keys.service
chroot "$1" systemctl --quiet enable ssh-host-keys.service
chroot "$1" systemctl --quiet disable apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
chroot "$1" apt-get clean
find "$1"/var/lib/apt/lists -type f -delete
touch --date=@0 "$1"/var/lib/apt/lists
