package kern

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

func tree(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

const execFormat = `name: sched_process_exec
ID: 310
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;

	field:__data_loc char[] filename;	offset:8;	size:4;	signed:0;
	field:pid_t pid;	offset:12;	size:4;	signed:1;
	field:const char * name;	offset:16;	size:8;	signed:0;
	field:unsigned long args[6];	offset:24;	size:48;	signed:0;
	field:char comm[TASK_COMM_LEN];	offset:72;	size:16;	signed:0;
	field:struct iovec *vec;	offset:88;	size:8;	signed:0;
	field:__rel_loc u8[] raw;	offset:96;	size:4;	signed:0;

print fmt: "filename=%s pid=%d", __get_str(filename), REC->pid
`

func TestParseFormat(t *testing.T) {
	e, err := ParseFormat(execFormat)
	if err != nil {
		t.Fatal(err)
	}
	if e.Name != "sched_process_exec" || e.ID != 310 || !strings.HasPrefix(e.Print, `"filename=`) {
		t.Errorf("event %+v", e)
	}
	var got []string
	for _, f := range e.Fields {
		got = append(got, fmt.Sprintf("%s|%s|%d|%d|%v|%v|%d|%v|%v|%v", f.Type, f.Name, f.Offset, f.Size, f.Signed, f.Array, f.Len, f.DataLoc, f.RelLoc, f.Common))
	}
	want := []string{
		"unsigned short|common_type|0|2|false|false|0|false|false|true",
		"unsigned char|common_flags|2|1|false|false|0|false|false|true",
		"char|filename|8|4|false|true|0|true|false|false",
		"pid_t|pid|12|4|true|false|0|false|false|false",
		"const char *|name|16|8|false|false|0|false|false|false",
		"unsigned long|args|24|48|false|true|6|false|false|false",
		"char|comm|72|16|false|true|0|false|false|false",
		"struct iovec *|vec|88|8|false|false|0|false|false|false",
		"u8|raw|96|4|false|true|0|false|true|false",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("fields\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, bad := range []string{"", "name: x\nID: y\n", "\tfield:int;\toffset:0;\tsize:4;\tsigned:1;\n", "\tfield:int x;\toffset:z;\n"} {
		if _, err := ParseFormat(bad); err == nil {
			t.Errorf("read %q", bad)
		}
	}
}

func TestTracefsPlaces(t *testing.T) {
	for _, dir := range []string{"sys/kernel/tracing", "sys/kernel/debug/tracing"} {
		k := New(tree(map[string]string{dir + "/events/sched/sched_process_exec/format": execFormat}))
		if e, err := k.Event("sched", "sched_process_exec"); err != nil || e.ID != 310 || e.Category != "sched" {
			t.Errorf("%s: %v", dir, err)
		}
		if _, err := k.Event("sched", "nosuch"); !errors.Is(err, ErrNoEvent) {
			t.Errorf("%s: %v", dir, err)
		}
		if _, err := k.Event("..", "x"); !errors.Is(err, ErrNoEvent) {
			t.Errorf("path out of tracefs: %v", err)
		}
	}
	if _, err := New(tree(nil)).Event("a", "b"); !errors.Is(err, ErrNoTracefs) {
		t.Errorf("without tracefs: %v", err)
	}
}

func TestVersion(t *testing.T) {
	for _, tt := range []struct {
		release, detail string
		want            Version
	}{
		{"6.18.44-fc", "", MakeVersion(6, 18, 44)},
		{"6.1.0-40-amd64", "Linux version 6.1.0-40-amd64 (debian-kernel@…) … #1 SMP Debian 6.1.153-1 (2025-09-20)", MakeVersion(6, 1, 153)},
		{"5.15.0-91-generic", "Ubuntu 5.15.0-91.101-generic 5.15.131\nLinux version …", MakeVersion(5, 15, 131)},
		{"6.12", "", MakeVersion(6, 12, 0)},
		{"4.19.325", "", MakeVersion(4, 19, 255)},
	} {
		if got, err := ParseVersion(tt.release, tt.detail); err != nil || got != tt.want {
			t.Errorf("%s: %s %v, want %s", tt.release, got, err, tt.want)
		}
	}
	if _, err := ParseVersion("next", ""); err == nil {
		t.Error("read a version of nothing")
	}
}

func TestCPUs(t *testing.T) {
	for s, want := range map[string]string{"0": "[0]", "0-3": "[0 1 2 3]", "0-1,4,6-7": "[0 1 4 6 7]"} {
		if got, err := ParseCPUs(s); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v %v", s, got, err)
		}
	}
	for _, s := range []string{"", "x", "3-1", "0-99999999", "-1"} {
		if _, err := ParseCPUs(s); err == nil {
			t.Errorf("read %q", s)
		}
	}
}

func TestSymbols(t *testing.T) {
	k := New(tree(map[string]string{"proc/kallsyms": "ffffffff81000000 T start_kernel\n" +
		"ffffffff81000100 t local_fn\nffffffffc0000000 t local_fn\t[kvm]\nffffffff82000000 D jiffies\nbroken\n"}))
	found, err := k.FindSymbols("local_fn")
	if err != nil || len(found) != 2 || found[0].Addr != 0xffffffff81000100 || found[1].Module != "kvm" || !found[0].IsFunc() {
		t.Errorf("%+v %v", found, err)
	}
	if found, _ := k.FindSymbols("local"); len(found) != 0 {
		t.Errorf("a part of a name: %+v", found)
	}
	if found, _ := k.FindSymbols("jiffies"); len(found) != 1 || found[0].IsFunc() {
		t.Errorf("jiffies: %+v", found)
	}
}

func TestConfig(t *testing.T) {
	const text = "CONFIG_BPF=y\nCONFIG_HZ=250\n# CONFIG_BPF_LSM is not set\nCONFIG_LSM=\"a,b\"\n"
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for _, files := range []map[string]string{
		{"proc/config.gz": z.String()},
		{"proc/sys/kernel/osrelease": "6.1.0\n", "boot/config-6.1.0": text},
	} {
		got, err := New(tree(files)).Config("CONFIG_BPF", "CONFIG_HZ", "CONFIG_BPF_LSM", "CONFIG_LSM")
		if err != nil || got["CONFIG_BPF"] != "y" || got["CONFIG_HZ"] != "250" || got["CONFIG_BPF_LSM"] != "" || got["CONFIG_LSM"] != "a,b" {
			t.Errorf("%v %v", got, err)
		}
	}
	_, err := New(tree(map[string]string{"proc/sys/kernel/osrelease": "6.1.0\n"})).Config("CONFIG_BPF")
	if !errors.Is(err, ErrNoConfig) {
		t.Errorf("without a configuration: %v", err)
	}
}
