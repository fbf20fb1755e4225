#!/bin/sh
# One night: a sweep into a folder with the date of its evening, compared with the last complete night before it.
#
#   night.sh SWEEP.toml TRADE FOLDER      TRADE may be empty: the sample within the program
#
# Started again after a crash, a stop or a full disk, it goes on with the same night. The exit code is that of reorient.
set -eu
sweep=$1
trade=$2
nights=$3

# Until noon it is still last night; NIGHT=2026-01-01 names another one.
night=${NIGHT:-$(date -d '12 hours ago' +%F)}
mkdir -p "$nights"

# The newest earlier folder whose dataset is complete.
last=
for folder in "$nights"/*/; do
    folder=${folder%/}
    if [ "$folder" != "$nights/$night" ] && [ -f "$folder/summary.csv" ]; then
        last=$folder
    fi
done

# exec, so that SIGTERM reaches reorient itself.
exec reorient sweep "$sweep" ${trade:+"$trade"} --out "$nights/$night" ${last:+--diff "$last"} --log-format json
