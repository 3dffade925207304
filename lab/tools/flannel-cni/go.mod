// flannel's CNI meta plugin: plugins v0.9.1 is its last release that any module proxy serves. As published it speaks
// CNI up to 0.4.0 only, and flannel's manifest says 1.0.0; cni v1.3.0 makes it answer 0.1.0 to 1.1.0.
// Tidy with `go mod tidy -e`: a package for Windows alone is gone from cni v1.3.0.
module k8snet.invalid/lab/tools/flannel-cni

go 1.26.0

tool github.com/containernetworking/plugins/plugins/meta/flannel

require (
	github.com/Microsoft/go-winio v0.4.11 // indirect
	github.com/Microsoft/hcsshim v0.8.6 // indirect
	github.com/buger/jsonparser v0.0.0-20180808090653-f4dd9f5a6b44 // indirect
	github.com/containernetworking/cni v1.3.0 // indirect
	github.com/containernetworking/plugins v0.9.1 // indirect
	github.com/sirupsen/logrus v1.0.6 // indirect
	github.com/vishvananda/netns v0.0.4 // indirect
	golang.org/x/crypto v0.0.0-20200622213623-75b288015ac9 // indirect
	golang.org/x/sys v0.23.0 // indirect
)
