#!/usr/bin/env bash
# stop.sh - stop what start.sh started (same TOY_BASE), by pid, newest first.
# Running and waiting jobs are cancelled.  With --purge it also removes TOY_BASE and the
# files that start.sh wrote in /etc/slurm.
set -u
BASE=${TOY_BASE:-${TMPDIR:-/tmp}/one-machine-slurm}
MARK='# written by start.sh'
export PATH=$PATH:/usr/sbin
say() { printf 'stop: %s\n' "$*" >&2; }
# alive NAME: print the pid in run/NAME.pid if that process exists and really is that program
alive() {
  local p; p=$(cat "$BASE/run/$1.pid" 2>/dev/null) || return 1
  [ -n "$p" ] && [ "$(cat "/proc/$p/comm" 2>/dev/null)" = "${1%%-*}" ] && echo "$p"
}
if alive slurmctld >/dev/null && alive slurmd >/dev/null; then      # end the jobs first
  jobs=$(timeout 10 squeue -h -o %A 2>/dev/null | sort -u | paste -sd' ')
  if [ -n "$jobs" ]; then
    say "cancelling jobs $jobs"
    timeout 10 scancel $jobs
    for _ in $(seq 150); do [ -z "$(timeout 10 squeue -h -o %A 2>/dev/null)" ] && break; sleep 0.1; done
  fi
fi
rc=0
for n in slurmd-gpu slurmd slurmctld slurmdbd mariadbd munged; do
  if p=$(alive $n); then
    kill -TERM "$p"
    for _ in $(seq 200); do alive $n >/dev/null || break; sleep 0.1; done
    if alive $n >/dev/null; then say "$n (pid $p) ignored TERM for 20 s, sending KILL"; kill -KILL "$p"; rc=1; fi
  fi
  rm -f "$BASE/run/$n.pid"
done
if [ "${1:-}" = --purge ]; then
  for f in slurm.conf gres.conf cgroup.conf slurmdbd.conf; do
    grep -qsF "$MARK" /etc/slurm/$f && rm -f /etc/slurm/$f
  done
  rm -rf "$BASE"
fi
exit $rc
