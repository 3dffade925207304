# Pid 1 of a node: keeps containerd and kubelet running and reaps what is left to it.
export PATH=/opt/k8snet:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
trap '' HUP INT
ulimit -n "$(ulimit -Hn)"

keep_containerd() {
  while :; do
    containerd >> /var/log/containerd.log 2>&1
    sleep 0.2
  done
}

keep_kubelet() {
  until [ -s /var/lib/kubelet/config.yaml ] && [ -S /run/containerd/containerd.sock ]; do sleep 0.1; done
  while :; do
    KUBELET_KUBEADM_ARGS=
    if [ -e /var/lib/kubelet/kubeadm-flags.env ]; then . /var/lib/kubelet/kubeadm-flags.env; fi
    # shellcheck disable=SC2086
    kubelet --config=/var/lib/kubelet/config.yaml --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
      --kubeconfig=/etc/kubernetes/kubelet.conf $KUBELET_KUBEADM_ARGS >> /var/log/kubelet.log 2>&1
    sleep 0.5
  done
}

keep_containerd &
keep_kubelet &
while :; do wait -n || sleep 0.1; done
