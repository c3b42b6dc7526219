package target

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

func TestFindCgroups(t *testing.T) {
	top := t.TempDir()
	a, b := "aaaa"+strings.Repeat("1", 60), "aaaa"+strings.Repeat("2", 60)
	uid := "11112222-3333-4444-5555-666677778888"
	pod := "kubepods.slice/kubepods-pod11112222_3333_4444_5555_666677778888.slice"
	for _, dir := range []string{
		"cg/system.slice/x.service", "cg/docker-" + a + ".scope/init", "cg/" + pod + "/crio-" + b + ".scope",
		"cg/machine.slice/systemd-nspawn@deb.service/payload", "proc", "var/log/pods/shop_cart-0_" + uid,
		"var/lib/docker/containers/" + a,
	} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{
		"proc/mounts": "cgroup2 /cg cgroup2 rw 0 0\n", "var/lib/docker/containers/" + a + "/config.v2.json": `{"Name":"/web"}`,
	} {
		if err := os.WriteFile(filepath.Join(top, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e := &Env{root: os.DirFS(top)}
	docker, crio, slice := "/cg/docker-"+a+".scope", "/cg/"+pod+"/crio-"+b+".scope", "/cg/"+pod
	for _, c := range []struct {
		form object.CgroupForm
		name string
		want string // the paths
	}{
		{object.CgroupContainer, a, docker}, {object.CgroupContainer, a[:12], docker}, {object.CgroupContainer, a[:6], docker},
		{object.CgroupContainerName, "web", docker}, {object.CgroupContainerID, b[:20], crio},
		{object.CgroupContainer, "deb", "/cg/machine.slice/systemd-nspawn@deb.service/payload"},
		{object.CgroupContainer, "aaaa", "many: " + a + " " + b},
		{object.CgroupContainer, "aaa", "none of " + b[:12] + " deb web"},
		{object.CgroupContainer, uid, "none of " + b[:12] + " deb web"},
		{object.CgroupPod, uid, slice}, {object.CgroupPod, "shop/cart-0", slice}, {object.CgroupPodUID, "cart-0", slice},
		{object.CgroupPod, uid[:8], slice}, {object.CgroupPod, "cart-1", "none of shop/cart-0"},
		{object.CgroupOwn, "/system.slice/x.service", "/cg/system.slice/x.service"},
		{object.CgroupOwn, "/cg/system.slice/x.service", "/cg/system.slice/x.service"}, {object.CgroupOwn, "/", "/cg/"},
	} {
		found, err := e.FindCgroups(c.form, c.name)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(found.Paths, " ")
		known := strings.Join(slices.Sorted(slices.Values(found.Known)), " ")
		switch {
		case found.Many:
			got = "many: " + known
		case got == "":
			got = "none of " + known
		}
		if got != c.want {
			t.Errorf("%s in form %d: %s, want %s", c.name, c.form, got, c.want)
		}
	}
	if _, err := captured(t, nil).FindCgroups(object.CgroupOwn, "/"); err == nil || !strings.Contains(err.Error(), "cgroup2") {
		t.Errorf("without cgroup2: %v", err)
	}
}
