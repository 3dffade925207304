# Runs as pid 1 of a node's namespaces: makes the node's own root and hands over to its supervisor.
# Environment: NODE ROOT LOWER DISK BIN CGROUPS (a line per hierarchy of version 1, or the word "unified").
set -eu
hostname "$NODE"
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$DISK/upper,workdir=$DISK/work" "$ROOT"
cd "$ROOT"
mount -t proc -o nosuid,nodev,noexec proc proc
for file in "$DISK"/sysctl/*/*; do
  name=${file#"$DISK"/sysctl/}
  mount --bind "$file" "proc/sys/$name"
done
mount -t sysfs -o nosuid,nodev,noexec sysfs sys
if [ "$CGROUPS" = unified ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  echo 1 > sys/fs/cgroup/init/cgroup.procs
  for name in $(cat sys/fs/cgroup/cgroup.controllers); do
    until echo "+$name" > sys/fs/cgroup/cgroup.subtree_control 2> /dev/null; do sleep 0.05; done
  done
else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  for option in $CGROUPS; do
    folder=sys/fs/cgroup/${option#name=}
    mkdir "$folder"
    case $option in name=*) option=none,$option ;; esac
    mount -t cgroup -o "$option" cgroup "$folder"
  done
fi
mount -t tmpfs -o mode=755,nosuid tmpfs dev
mkdir dev/net dev/pts dev/shm dev/mqueue
for name in null zero full random urandom tty kmsg fuse net/tun; do
  if [ -e "/dev/$name" ]; then : > "dev/$name" && mount --bind "/dev/$name" "dev/$name"; fi
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
mount -t tmpfs tmpfs dev/shm
mount -t mqueue mqueue dev/mqueue
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
chmod 1777 tmp dev/shm
mkdir -p run/flannel var/lib/containerd var/lib/kubelet var/log opt/k8snet
mount --bind "$DISK/flannel" run/flannel
mount --bind "$DISK/containerd" var/lib/containerd
mount --bind "$DISK/kubelet" var/lib/kubelet
mount --bind "$DISK/log" var/log
mount --bind "$BIN" opt/k8snet
mount -o remount,bind,ro opt/k8snet
mkdir -p .old
pivot_root . .old
cd /
mount --make-rshared /
umount -l /.old
rmdir /.old
exec /bin/bash /usr/local/sbin/k8snet-node
