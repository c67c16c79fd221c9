#!/usr/bin/env bash
# start.sh - bring up a real one-machine SLURM cluster (munged + slurmctld + slurmd,
# optionally mariadbd + slurmdbd) on loopback, without systemd, with N pretend GPUs.
#
# Exit 0: every node is up and idle in sinfo.  Otherwise: "start: ERROR: ..." says why,
# whatever was started is stopped again, and the exit status is 1.
# Run as root on Debian 12.  Stop it with stop.sh (same TOY_BASE).
#
# Settings (environment; not named SLURM_*, since srun and sbatch read such names):
#   TOY_BASE        state, logs, pid files, sockets          [${TMPDIR:-/tmp}/one-machine-slurm]
#   TOY_ACCOUNTING  none | slurmdbd (adds mariadb, sacct)    [none]
#   TOY_LAYOUT      one   one node with CPUs and GPUs        [one]
#                     split node cpu1 and node gpu1 (two slurmd): CPU jobs never queue
#                           behind jobs that wait for a GPU
#   TOY_CPUS        CPUs per node (may exceed nproc)         [4]
#   TOY_GPUS        pretend GPUs, 0 for none                 [2]
#   TOY_GPU_MODE    mknod     own character devices          [mknod]
#                     existing  /dev/null, /dev/zero, ... (needs no mknod right, 5 GPUs at most)
#                     file | count | bare  do not work; kept to reproduce README.md
#   TOY_WAIT        seconds to wait for each daemon          [30]
set -u -o pipefail

BASE=${TOY_BASE:-${TMPDIR:-/tmp}/one-machine-slurm}
ACCT=${TOY_ACCOUNTING:-none}
LAYOUT=${TOY_LAYOUT:-one}
CPUS=${TOY_CPUS:-4}
GPUS=${TOY_GPUS:-2}
GPU_MODE=${TOY_GPU_MODE:-mknod}
WAIT=${TOY_WAIT:-30}
# The configuration has to be at SLURM's default path: the jobs' inner srun gets no SLURM_CONF
# (snakemake-executor-plugin-slurm-jobstep >= 0.6 removes it).
CONF=/etc/slurm
MARK='# written by start.sh'
CTLD_PORT=16817 SLURMD_PORT=16818 DBD_PORT=16819 GPUD_PORT=16820 SQL_PORT=13306
HERE=$(cd "$(dirname "$0")" && pwd)
export PATH=$PATH:/usr/sbin:/sbin
unset SLURM_CONF
STARTED=

say() { printf 'start: %s\n' "$*" >&2; }
die() {                             # die MESSAGE [LOGFILE]
  say "ERROR: $1"
  if [ -n "${2:-}" ] && [ -s "$2" ]; then
    say "last lines of $2:"; grep -v pmix "$2" | tail -n 12 >&2
  fi
  [ -n "$STARTED" ] && TOY_BASE=$BASE bash "$HERE/stop.sh"
  exit 1
}
now() { date +%s.%N; }
took() { awk -v a="$1" -v b="$(now)" 'BEGIN{printf "%.1f", b-a}'; }

[ "$(id -u)" = 0 ] || die "must run as root"
one_of() { case " $3 " in *" $2 "*) ;; *) die "$1 is '$2', must be one of: $3" ;; esac; }
one_of TOY_ACCOUNTING "$ACCT" "none slurmdbd"
one_of TOY_LAYOUT "$LAYOUT" "one split"
one_of TOY_GPU_MODE "$GPU_MODE" "mknod existing file count bare"
case $GPUS$CPUS in *[!0-9]*) die "TOY_CPUS and TOY_GPUS must be numbers" ;; esac

# --- 1. packages -------------------------------------------------------------------------
want=(munge slurmctld slurmd slurm-client)
[ "$ACCT" = slurmdbd ] && want+=(slurmdbd mariadb-server)
missing=()
for p in "${want[@]}"; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
mkdir -p "$BASE"/{log,run,state,spool,dev} || die "cannot create $BASE"
if [ ${#missing[@]} -gt 0 ]; then
  t=$(now); log=$BASE/log/apt.log
  export DEBIAN_FRONTEND=noninteractive
  apt-get update >"$log" 2>&1 </dev/null || say "apt-get update failed, going on with the old lists"
  apt-get install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1 </dev/null \
    || die "apt-get install ${missing[*]} failed" "$log"
  say "installed ${missing[*]} in $(took "$t") s"
fi

# --- 2. refuse to run twice or over somebody else's cluster --------------------------------
for f in "$BASE"/run/*.pid; do
  [ -e "$f" ] || continue
  p=$(cat "$f"); n=$(basename "$f" .pid)
  if [ -n "$p" ] && [ "$(cat /proc/"$p"/comm 2>/dev/null)" = "${n%%-*}" ]; then
    die "$n is already running (pid $p); run stop.sh first"
  fi
  rm -f "$f"
done
for f in slurm.conf gres.conf cgroup.conf slurmdbd.conf; do
  if [ -e $CONF/$f ] && ! grep -qF "$MARK" $CONF/$f; then
    die "$CONF/$f exists and was not written by this script; move it away first"
  fi
done
for port in $CTLD_PORT $SLURMD_PORT $GPUD_PORT $DBD_PORT $SQL_PORT; do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && die "port $port on 127.0.0.1 is already in use"
done

# --- 3. configuration --------------------------------------------------------------------
HOST=$(hostname -s)
# keep the daemons off all other interfaces; they then look up the machine's own name
comm=CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
case $(getent ahostsv4 "$HOST" | awk 'NR==1{print $1}') in
  127.*) ;;
  *) comm=''; say "note: '$HOST' does not resolve to 127.x, so the daemons listen on all interfaces" ;;
esac
MEM=$(awk '/^MemTotal/{print int($2/1024*0.9)}' /proc/meminfo)
KEY=$BASE/run/munge.key MSOCK=$BASE/run/munge.sock
[ -s "$KEY" ] || (umask 077; dd if=/dev/urandom of="$KEY" bs=1024 count=1 status=none) || die "cannot write $KEY"

shape="Boards=1 SocketsPerBoard=1 CoresPerSocket=$CPUS ThreadsPerCore=1 CPUs=$CPUS"
gres='' gres_types=''
[ "$GPUS" -gt 0 ] && { gres="Gres=gpu:$GPUS"; gres_types='GresTypes=gpu'; }
if [ "$LAYOUT" = one ]; then
  CPU_NODE=$HOST GPU_NODE=$HOST NODES=$HOST
  nodes="NodeName=$HOST NodeAddr=127.0.0.1 Port=$SLURMD_PORT $shape RealMemory=$MEM $gres"
else
  CPU_NODE=cpu1 GPU_NODE=gpu1 NODES=cpu1,gpu1
  nodes="NodeName=cpu1 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$SLURMD_PORT $shape RealMemory=$((MEM / 2)) Weight=1
NodeName=gpu1 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$GPUD_PORT $shape RealMemory=$((MEM / 2)) Weight=9 $gres"
fi

mkdir -p $CONF
g=$CONF/gres.conf
echo "$MARK" >$g
i=0
while [ $i -lt "$GPUS" ]; do
  d=$BASE/dev/fakegpu$i; rm -f "$d"
  case $GPU_MODE in
    mknod)    mknod -m 666 "$d" c 1 3 || die "mknod $d failed; try TOY_GPU_MODE=existing" ;;
    file)     : >"$d" ;;
    existing) names=(null zero full random urandom)
              [ $i -lt 5 ] || die "TOY_GPU_MODE=existing has 5 devices only"; d=/dev/${names[$i]} ;;
  esac
  case $GPU_MODE in
    count) [ $i = 0 ] && echo "NodeName=$GPU_NODE Name=gpu Count=$GPUS" >>$g ;;
    bare)  ;;
    *)     echo "NodeName=$GPU_NODE Name=gpu File=$d" >>$g ;;
  esac
  i=$((i + 1))
done
printf '%s\nCgroupAutomount=no\nConstrainCores=no\nConstrainRAMSpace=no\nConstrainDevices=no\n' "$MARK" >$CONF/cgroup.conf

if [ "$ACCT" = slurmdbd ]; then
  # the munge socket for talking to slurmdbd comes from AccountingStoragePass, not from AuthInfo
  acct="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$DBD_PORT
AccountingStoragePass=$MSOCK
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5"
else
  acct="AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/filetxt
JobCompLoc=$BASE/log/jobcomp.txt"
fi
cat >$CONF/slurm.conf <<CONFEOF
$MARK
ClusterName=toy
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=$CTLD_PORT
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$MSOCK
CredType=cred/munge
$comm
StateSaveLocation=$BASE/state
SlurmdSpoolDir=$BASE/spool/%n
SlurmctldPidFile=$BASE/run/slurmctld.own
SlurmdPidFile=$BASE/run/slurmd.%n.own
SlurmctldLogFile=$BASE/log/slurmctld.log
SlurmdLogFile=$BASE/log/slurmd.%n.log
SlurmctldDebug=info
SlurmdDebug=info
# no cgroups, no CPU pinning: works in a container and with more CPUs than the machine has
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
MpiDefault=none
SwitchType=switch/none
# sbatch --gpus needs cons_tres
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,batch_sched_delay=0,bf_interval=2
ReturnToService=2
# retrying is the workflow's business
JobRequeue=0
KillWait=5
# finished jobs stay in squeue --states=all this long (s); without sacct that is how
# snakemake learns of a job's end, so keep it far over 3x its check interval
MinJobAge=600
MaxArraySize=1001
$gres_types
$acct
$nodes
PartitionName=main Nodes=$NODES Default=YES MaxTime=INFINITE DefMemPerCPU=100 State=UP
CONFEOF

# --- 4. daemons --------------------------------------------------------------------------
STARTED=1
rm -f "$BASE"/log/slurm*.log "$BASE"/log/munged.log "$BASE"/log/*.out
# start NAME CMD...: run CMD in its own session, its pid in run/NAME.pid; CMD must stay in front
start() {
  local name=$1; shift
  setsid "$@" </dev/null >>"$BASE/log/$name.out" 2>&1 &
  echo $! >"$BASE/run/$name.pid"
}
running() { [ -d "/proc/$(cat "$BASE/run/$1.pid")" ]; }
# until_ok NAME TEXT LOG TEST...: repeat TEST until it succeeds, NAME has died or WAIT s are over
until_ok() {
  local name=$1 text=$2 log=$3 end=$((SECONDS + WAIT)); shift 3
  until "$@" >/dev/null 2>&1; do
    running "$name" || die "$name exited before $text" "$log"
    [ $SECONDS -lt $end ] || die "$name: after $WAIT s still not: $text" "$log"
    sleep 0.1
  done
}
t0=$(now)
rm -f "$MSOCK" "$MSOCK.lock"
start munged munged -F --key-file="$KEY" --socket="$MSOCK" --seed-file="$BASE/run/munge.seed" \
      --pid-file="$BASE/run/munged.own" --log-file="$BASE/log/munged.log" --num-threads=2
munge_ok() { munge -n --socket="$MSOCK" | unmunge --socket="$MSOCK"; }
until_ok munged "munge answered" "$BASE/log/munged.out" munge_ok

if [ "$ACCT" = slurmdbd ]; then
  SQL=$BASE/mysql SQLSOCK=$BASE/run/mysql.sock PWFILE=$BASE/run/db.pass
  if [ ! -d "$SQL/mysql" ]; then
    mkdir -p "$SQL"
    mariadb-install-db --no-defaults --user=root --datadir="$SQL" --auth-root-authentication-method=normal \
      --skip-test-db >"$BASE/log/mysql-install.log" 2>&1 || die "mariadb-install-db failed" "$BASE/log/mysql-install.log"
  fi
  start mariadbd mariadbd --no-defaults --user=root --datadir="$SQL" --socket="$SQLSOCK" --pid-file="$BASE/run/mariadbd.own" \
        --bind-address=127.0.0.1 --port=$SQL_PORT --innodb-buffer-pool-size=64M --innodb-log-file-size=32M \
        --innodb-lock-wait-timeout=900 --innodb-flush-log-at-trx-commit=0 --skip-name-resolve
  sql() { mariadb --no-defaults --socket="$SQLSOCK" -uroot "$@"; }
  until_ok mariadbd "mariadb answered" "$BASE/log/mariadbd.out" sql -e 'select 1'
  [ -s "$PWFILE" ] || (umask 077; od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$PWFILE")
  sql <<SQLEOF || die "cannot create the accounting database" "$BASE/log/mariadbd.out"
create database if not exists slurm_acct_db;
create user if not exists 'slurm'@'127.0.0.1' identified by '$(cat "$PWFILE")';
grant all on slurm_acct_db.* to 'slurm'@'127.0.0.1';
SQLEOF
  # slurmdbd refuses a file that others may read
  (umask 077; rm -f $CONF/slurmdbd.conf; cat >$CONF/slurmdbd.conf <<DBDEOF
$MARK
AuthType=auth/munge
AuthInfo=socket=$MSOCK
DbdHost=$HOST
DbdAddr=127.0.0.1
DbdPort=$DBD_PORT
SlurmUser=root
PidFile=$BASE/run/slurmdbd.own
LogFile=$BASE/log/slurmdbd.log
DebugLevel=info
CommitDelay=1
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$SQL_PORT
StorageLoc=slurm_acct_db
StorageUser=slurm
StoragePass=$(cat "$PWFILE")
DBDEOF
  )
  start slurmdbd slurmdbd -D
  until_ok slurmdbd "sacctmgr answered" "$BASE/log/slurmdbd.log" sacctmgr -n show cluster
  sacctmgr -n show cluster format=cluster | grep -qw toy \
    || sacctmgr -i add cluster toy >>"$BASE/log/slurmdbd.out" 2>&1 \
    || die "sacctmgr cannot add the cluster" "$BASE/log/slurmdbd.out"
fi

start slurmctld slurmctld -D
until_ok slurmctld "scontrol ping said UP" "$BASE/log/slurmctld.log" sh -c 'scontrol ping | grep -q "is UP"'
start slurmd slurmd -D -N "$CPU_NODE"
[ "$LAYOUT" = split ] && start slurmd-gpu slurmd -D -N "$GPU_NODE"
node_up() {                         # node_up DAEMON NODE
  local log=$BASE/log/slurmd.$2.log end=$((SECONDS + WAIT)) s
  while :; do
    s=$(sinfo -h -N -n "$2" -o %T)
    case $s in
      idle|mixed|allocated) return ;;
      # a drain survives in the saved state, even when its cause is gone: lift it
      drained|down) scontrol update nodename="$2" state=resume 2>/dev/null && say "resumed node $2 (was $s)" ;;
    esac
    running "$1" || die "$1 exited" "$log"
    [ $SECONDS -lt $end ] \
      || die "after $WAIT s node $2 is '$s' ($(sinfo -h -N -n "$2" -o %E)), not idle" "$log"
    sleep 0.1
  done
}
node_up slurmd "$CPU_NODE"
[ "$LAYOUT" = split ] && node_up slurmd-gpu "$GPU_NODE"
say "up in $(took "$t0") s: $(sinfo -h -N -o '%N %T %c CPUs %m MB %G' | paste -sd';'), accounting $ACCT"
