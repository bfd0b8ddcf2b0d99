#!/bin/bash
# Folders that are copied by rsync or sftp: what up, sync and sync --watch bring into the guest, and what they leave alone.
. "$(dirname "$0")/lib.sh"
command -v rsync >/dev/null || skip "it needs rsync"

project copied <<'END'
name: copied
box: build:debian/bookworm
folders:
  - {host: ., guest: /srv/app, type: rsync, exclude: [node_modules/, "*.log"], owner: www-data}
END
mkdir -p src node_modules
echo one >"src/a file"
echo big >node_modules/index.js
ln -s "a file" src/link
chmod 750 src

guest() { envtool ssh -c "$1"; }

step "up copies the folder, but for what is excluded"
expect 0 envtool up
equal "the file" one "$(guest 'sudo cat "/srv/app/src/a file"')"
equal "owner and mode" "www-data:www-data 750" "$(guest 'stat -c "%U:%G %a" /srv/app/src')"
equal "the link" "a file" "$(guest 'sudo readlink /srv/app/src/link')"
expect 1 envtool ssh -c 'test -e /srv/app/node_modules -o -e /srv/app/.envtool'

step "sync makes the guest like the host, and leaves what is excluded alone on both sides"
guest 'sudo mkdir /srv/app/node_modules && echo mine | sudo tee /srv/app/node_modules/own /srv/app/run.log /srv/app/stray >/dev/null'
echo two >"src/a file"
rm src/link
expect 0 envtool sync
says "default: is in sync"
equal "the file" two "$(guest 'sudo cat "/srv/app/src/a file"')"
equal "what is there" "Envfile Envfile.lock node_modules run.log src" "$(guest 'ls /srv/app | xargs')"
equal "what is excluded" mine "$(guest 'cat /srv/app/node_modules/own')"

step "sync --watch brings changes as they come, until Ctrl-C"
"$ENVTOOL" sync --watch >../watch.log 2>&1 </dev/null 9>&- &
watcher=$!
in_sync() { [ "$(grep -c 'is in sync' ../watch.log)" -ge "$1" ]; }

eventually in_sync 1
changed=$(date +%s%N)
mkdir -p new/deep && echo three >new/deep/file
holds() { [ "$(guest "sudo cat $1" 2>/dev/null)" = "$2" ]; }
eventually holds /srv/app/new/deep/file three
step "(it took $((($(date +%s%N) - changed) / 1000000)) ms)"
echo four >new/deep/file
eventually holds /srv/app/new/deep/file four
mv new newer
eventually holds /srv/app/newer/deep/file four
sleep 1 # until it has told of that
before=$(grep -c 'is in sync' ../watch.log)
echo changed >node_modules/index.js
sleep 0.5
equal "pushes for an excluded file" "$before" "$(grep -c 'is in sync' ../watch.log)"
kill -INT "$watcher"
wait "$watcher"
equal "the exit status" 130 $?

step "sftp copies the same without rsync, and leaves the same alone"
guest 'sudo mv /usr/bin/rsync /usr/bin/rsync.away'
expect 4 envtool sync
says "the guest has no rsync" "apt-get install"
sed -i 's,/srv/app,/srv/sftp,; s/type: rsync/type: sftp/' Envfile
mkdir many && (cd many && seq 300 | xargs touch)
ln -s "a file" src/link
expect 0 envtool up
equal "the file" two "$(guest 'sudo cat "/srv/sftp/src/a file"')"
equal "owner and mode" "www-data:www-data 750" "$(guest 'stat -c "%U:%G %a" /srv/sftp/src')"
equal "the link" "a file" "$(guest 'sudo readlink /srv/sftp/src/link')"
equal "many files" 300 "$(guest 'ls /srv/sftp/many | wc -l')"
equal "a time" "$(stat -c %Y src)" "$(guest 'stat -c %Y /srv/sftp/src')"
guest 'sudo mkdir /srv/sftp/node_modules && echo mine | sudo tee /srv/sftp/node_modules/own /srv/sftp/run.log /srv/sftp/stray >/dev/null'
rm -r src/link many
head -c 5000000 /dev/urandom >src/large
expect 0 envtool sync
equal "what is there" "Envfile Envfile.lock newer node_modules run.log src" "$(guest 'ls /srv/sftp | xargs')"
equal "what is excluded" mine "$(guest 'cat /srv/sftp/node_modules/own')"
equal "a large file" "$(sha256sum <src/large)" "$(guest 'sudo cat /srv/sftp/src/large | sha256sum')"
equal "what it holds" "a file large" "$(guest 'sudo ls -A /srv/sftp/src | xargs')"

step "a machine that shares its folders has nothing to watch; one that is halted has nothing to sync"
expect 0 envtool halt
expect 0 envtool sync
says "nothing to sync"
sed -i 's/, type: sftp.*/}/' Envfile
expect 2 envtool sync --watch
says "type: rsync"
expect 0 envtool destroy --yes
nothing_left
