package cgroup

import (
	"encoding/json"
	"io/fs"
	"strings"
)

// Names finds the names of containers and pods in the files that runtimes and the kubelet
// leave on the machine. What it was told it keeps; what it wasn't found is looked for again.
type Names struct {
	Root  fs.FS
	known map[string]string
}

// Pod is NAMESPACE/NAME of a pod by its uid, as the kubelet names the directory of its logs;
// "": it isn't known.
func (n *Names) Pod(uid string) string {
	return n.remember("pod:"+uid, func() string {
		dirs, err := fs.ReadDir(n.Root, "var/log/pods")
		if err != nil {
			return ""
		}
		for _, d := range dirs {
			if name, ok := strings.CutSuffix(d.Name(), "_"+uid); ok {
				return strings.Replace(name, "_", "/", 1)
			}
		}
		return ""
	})
}

// Container is the name of a container by its id: Docker's, Podman's, or that in its pod;
// "": it isn't known.
func (n *Names) Container(id string) string {
	if len(id) != idLen {
		return id
	}
	return n.remember(id, func() string {
		for _, f := range []func(string) string{n.docker, n.podman, n.kubernetes} {
			if name := f(id); name != "" {
				return name
			}
		}
		return ""
	})
}

func (n *Names) remember(key string, find func() string) string {
	if s, ok := n.known[key]; ok {
		return s
	}
	s := find()
	if s != "" {
		if n.known == nil {
			n.known = map[string]string{}
		}
		n.known[key] = s
	}
	return s
}

// docker reads a container's configuration, whose Name is "/web".
func (n *Names) docker(id string) string {
	var c struct{ Name string }
	b, err := fs.ReadFile(n.Root, "var/lib/docker/containers/"+id+"/config.v2.json")
	if err != nil || json.Unmarshal(b, &c) != nil {
		return ""
	}
	return strings.TrimPrefix(c.Name, "/")
}

// podman reads the list of containers of containers/storage.
func (n *Names) podman(id string) string {
	var list []struct {
		ID    string
		Names []string
	}
	b, err := fs.ReadFile(n.Root, "var/lib/containers/storage/overlay-containers/containers.json")
	if err != nil || json.Unmarshal(b, &list) != nil {
		return ""
	}
	for _, c := range list {
		if c.ID == id && len(c.Names) > 0 {
			return c.Names[0]
		}
	}
	return ""
}

// kubernetes reads the names of the links to logs: POD_NAMESPACE_CONTAINER-ID.log.
func (n *Names) kubernetes(id string) string {
	files, err := fs.ReadDir(n.Root, "var/log/containers")
	if err != nil {
		return ""
	}
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), "-"+id+".log"); ok {
			return name[strings.LastIndexByte(name, '_')+1:]
		}
	}
	return ""
}
