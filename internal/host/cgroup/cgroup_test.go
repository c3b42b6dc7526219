package cgroup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

const (
	id  = "3fd2a1b4c5d60718293a4b5c6d7e8f90aabbccddeeff00112233445566778899"
	uid = "0b1d6b3c-5a5e-4d0e-9f54-0c6f0a6c7e11"
)

func TestContainers(t *testing.T) {
	other := strings.Repeat("ab", 32)
	for _, c := range []struct{ path, id, root string }{
		{"/system.slice/docker-" + id + ".scope", id, "/system.slice/docker-" + id + ".scope"},
		{"/system.slice/docker-" + id + ".scope/init.scope", id, "/system.slice/docker-" + id + ".scope"},
		{"/docker/" + id, id, "/docker/" + id},
		{"/kubepods.slice/kubepods-besteffort.slice/cri-containerd-" + id + ".scope", id, "/kubepods.slice/kubepods-besteffort.slice/cri-containerd-" + id + ".scope"},
		{"/kubepods/burstable/pod" + uid + "/" + id, id, "/kubepods/burstable/pod" + uid + "/" + id},
		{"/system.slice/containerd.service/kubepods-x.slice:cri-containerd:" + id, id, "/system.slice/containerd.service/kubepods-x.slice:cri-containerd:" + id},
		{"/kubepods.slice/crio-" + id + ".scope/container", id, "/kubepods.slice/crio-" + id + ".scope"},
		{"/kubepods.slice/crio-conmon-" + id + ".scope", "", ""},
		{"/machine.slice/libpod-" + id + ".scope/container", id, "/machine.slice/libpod-" + id + ".scope"},
		{"/machine.slice/libpod-conmon-" + id + ".scope", "", ""},
		{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope", id, "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope"},
		{"/machine.slice/machine-libpod_pod_" + id + ".slice", "", ""},
		{"/docker/" + other + "/kubelet/kubepods/pod" + uid + "/" + id + "/a", id, "/docker/" + other + "/kubelet/kubepods/pod" + uid + "/" + id},
		{"/machine.slice/systemd-nspawn@web.service/payload/init.scope", "web", "/machine.slice/systemd-nspawn@web.service/payload"},
		{"/machine.slice/systemd-nspawn@web.service/supervisor", "", ""},
		{`/machine.slice/machine-deb\x2d13.scope`, "deb-13", `/machine.slice/machine-deb\x2d13.scope`},
		{`/machine.slice/machine-qemu\x2d1\x2dvm.scope`, "", ""},
		{"/lxc.payload.c1/system.slice/ssh.service", "c1", "/lxc.payload.c1"},
		{"/lxc.payload/c1/x", "c1", "/lxc.payload/c1"},
		{"/lxc/101/ns", "101", "/lxc/101"},
		{"/lxc", "", ""},
		{"/lxc.monitor.c1", "", ""},
		{"/user.slice/lxc/x", "", ""},
		{"/system.slice/ssh.service", "", ""},
		{"/system.slice/docker-" + strings.ToUpper(id) + ".scope", "", ""},
		{"/", "", ""},
	} {
		got, ok := ContainerOf(c.path)
		if got != (Owner{c.id, c.root}) || ok != (c.id != "") {
			t.Errorf("%s: %+v %v, want %s at %s", c.path, got, ok, c.id, c.root)
		}
	}
	if Short(id) != "3fd2a1b4c5d6" || Short("web") != "web" || Short(uid) != uid {
		t.Error("short ids")
	}
}

func TestPods(t *testing.T) {
	slice := "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + strings.ReplaceAll(uid, "-", "_") + ".slice"
	hash := strings.Repeat("0f", 16)
	for _, c := range []struct{ path, id, root string }{
		{slice, uid, slice},
		{slice + "/cri-containerd-" + id + ".scope", uid, slice},
		{"/kubepods/besteffort/pod" + uid + "/" + id, uid, "/kubepods/besteffort/pod" + uid},
		{"/kubepods.slice/kubepods-pod" + hash + ".slice/x", hash, "/kubepods.slice/kubepods-pod" + hash + ".slice"},
		{"/system.slice/containerd.service/kubepods-burstable-pod" + hash + ".slice:cri-containerd:" + id, hash, "/system.slice/containerd.service/kubepods-burstable-pod" + hash + ".slice:cri-containerd:" + id},
		{"/machine.slice/machine-libpod_pod_" + id + ".slice/libpod-" + id + ".scope", id, "/machine.slice/machine-libpod_pod_" + id + ".slice"},
		{"/kubepods.slice/kubepods-burstable.slice", "", ""},
		{"/podman/podcast", "", ""},
		{"/kubepods/podxyz", "", ""},
		{"/", "", ""},
	} {
		got, ok := PodOf(c.path)
		if got != (Owner{c.id, c.root}) || ok != (c.id != "") {
			t.Errorf("%s: %+v %v, want %s at %s", c.path, got, ok, c.id, c.root)
		}
	}
}

func TestWalk(t *testing.T) {
	top := t.TempDir()
	if err := os.MkdirAll(filepath.Join(top, "cg/a.slice/b.service"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(top, "cg/a.slice/cgroup.procs"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var paths []string
	ids := map[uint64]bool{}
	Walk(os.DirFS(top), "/cg", func(d Dir) bool {
		paths, ids[d.ID] = append(paths, d.Path), true
		return true
	})
	if got := strings.Join(paths, " "); got != "/ /a.slice /a.slice/b.service" || len(ids) != 3 || ids[0] {
		t.Errorf("%s with the ids %v", got, ids)
	}
}

func TestMount(t *testing.T) {
	root := fstest.MapFS{"proc/mounts": {Data: []byte("cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n")}}
	if dir, err := Mount(root); err != nil || dir != "/sys/fs/cgroup/unified" {
		t.Errorf("%s %v", dir, err)
	}
	root["proc/mounts"].Data = nil
	if _, err := Mount(root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nowhere: %v", err)
	}
}

func TestNames(t *testing.T) {
	podman := strings.Repeat("12", 32)
	kube := strings.Repeat("34", 32)
	n := Names{Root: fstest.MapFS{
		"var/log/pods/kube-system_coredns-7d_" + uid + "/coredns/0.log":      {},
		"var/lib/docker/containers/" + id + "/config.v2.json":                {Data: []byte(`{"ID":"x","Name":"/web"}`)},
		"var/lib/containers/storage/overlay-containers/containers.json":      {Data: []byte(`[{"id":"` + podman + `","names":["db","x"]}]`)},
		"var/log/containers/coredns-7d_kube-system_coredns-" + kube + ".log": {},
	}}
	for _, c := range []struct{ got, want string }{
		{n.Pod(uid), "kube-system/coredns-7d"}, {n.Pod(id), ""},
		{n.Container(id), "web"}, {n.Container(podman), "db"}, {n.Container(kube), "coredns"},
		{n.Container(strings.Repeat("0", 64)), ""}, {n.Container("nspawned"), "nspawned"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
