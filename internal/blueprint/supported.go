// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/tree"
)

// supported lists the attributes that are translated. Whatever is not here is
// refused, so that an attribute which Compose gains is refused until it is
// translated too. A map whose keys are the user's ends in ".*".
var supported = strings.Fields(`
	name version

	services.*.cap_add services.*.cap_drop services.*.command services.*.configs
	services.*.configs.[].gid services.*.configs.[].mode services.*.configs.[].source
	services.*.configs.[].target services.*.configs.[].uid
	services.*.cpus services.*.depends_on services.*.depends_on.*.condition
	services.*.depends_on.*.required
	services.*.deploy.mode services.*.deploy.replicas
	services.*.deploy.resources.limits.cpus services.*.deploy.resources.limits.memory
	services.*.deploy.resources.limits.pids services.*.deploy.resources.reservations.memory
	services.*.deploy.restart_policy.condition services.*.deploy.restart_policy.max_attempts
	services.*.deploy.update_config.order
	services.*.dns services.*.entrypoint services.*.env_file services.*.env_file.[].format
	services.*.env_file.[].path services.*.env_file.[].required
	services.*.environment services.*.environment.* services.*.extra_hosts services.*.extra_hosts.*
	services.*.extends services.*.extends.file services.*.extends.service
	services.*.group_add
	services.*.healthcheck.disable services.*.healthcheck.interval services.*.healthcheck.retries
	services.*.healthcheck.start_interval services.*.healthcheck.start_period
	services.*.healthcheck.test services.*.healthcheck.timeout
	services.*.hostname services.*.image services.*.init services.*.labels services.*.labels.*
	services.*.logging.driver services.*.logging.options services.*.logging.options.*
	services.*.mem_limit services.*.mem_reservation
	services.*.networks services.*.networks.*.aliases services.*.networks.*.use_service_name_alias
	services.*.pids_limit
	services.*.ports services.*.ports.[].host_ip services.*.ports.[].mode services.*.ports.[].protocol
	services.*.ports.[].published services.*.ports.[].target
	services.*.profiles services.*.pull_policy services.*.read_only services.*.restart services.*.scale
	services.*.secrets services.*.secrets.[].gid services.*.secrets.[].mode services.*.secrets.[].source
	services.*.secrets.[].target services.*.secrets.[].uid
	services.*.security_opt services.*.shm_size services.*.stdin_open
	services.*.stop_grace_period services.*.stop_signal services.*.sysctls services.*.sysctls.*
	services.*.tmpfs services.*.tty services.*.ulimits services.*.ulimits.*
	services.*.ulimits.*.hard services.*.ulimits.*.soft services.*.user
	services.*.volumes services.*.volumes.[].read_only services.*.volumes.[].source
	services.*.volumes.[].target services.*.volumes.[].tmpfs.mode services.*.volumes.[].tmpfs.size
	services.*.volumes.[].type services.*.volumes.[].volume.subpath
	services.*.working_dir

	networks.* networks.*.driver networks.*.internal networks.*.labels networks.*.labels.*
	volumes.*
	configs.*.content configs.*.file
	secrets.*.file
`)

// harmless lists attributes that change nothing here and need no translation:
// notes for readers, defaults written out, and what concerns a foreground run.
var harmless = strings.Fields(`
	services.*.attach
	services.*.expose
	services.*.ports.[].app_protocol services.*.ports.[].name
	services.*.volumes.[].bind.create_host_path
	services.*.volumes.[].consistency
	services.*.volumes.[].volume.nocopy
`)

// advice tells what to do about attributes that are refused; for those that
// are not here, and below none that is, removing them is all there is to say.
var advice = map[string]string{
	"services.*.build":                                 "images are not built: build and push the image with your own pipeline, and give it as `image`",
	"services.*.privileged":                            "a privileged container could take over the host: name the capability that is needed in `cap_add`",
	"services.*.network_mode":                          "a portal's services talk over its own networks: remove it, and publish what must be reached with `ports`",
	"services.*.pid":                                   "the processes of the host or of other containers are not shared: remove it",
	"services.*.ipc":                                   "shared memory of the host or of other containers is not shared: remove it, or use `shm_size`",
	"services.*.uts":                                   "the host's name is not shared: use `hostname`",
	"services.*.cgroup":                                "the host's control groups are not shared: remove it",
	"services.*.cgroup_parent":                         "the host's control groups are not the portal's: use `mem_limit`, `cpus` and `pids_limit`",
	"services.*.userns_mode":                           "leaving the host's user namespace is not supported: remove it",
	"services.*.use_api_socket":                        "Docker's own socket is never given to a container: it would own the host",
	"services.*.devices":                               "devices of a host are not given to containers: a portal may run on any host",
	"services.*.device_cgroup_rules":                   "devices of a host are not given to containers: a portal may run on any host",
	"services.*.gpus":                                  "devices of a host are not given to containers: a portal may run on any host",
	"services.*.deploy.resources.reservations.devices": "devices of a host are not given to containers: a portal may run on any host",
	"services.*.deploy.resources.reservations.cpus":    "processors are not reserved: use `deploy.resources.limits.cpus`",
	"services.*.links":                                 "services reach each other by name without it: remove it, and use `networks.<name>.aliases` for another name",
	"services.*.external_links":                        "containers outside the portal are not reached: publish them on the network, and use `extra_hosts`",
	"services.*.container_name":                        "containers are named <portal>-<service>-<number>, so that several portals can share a host: remove it",
	"services.*.volumes_from":                          "mount the same named volume in both services",
	"services.*.volumes.[].bind.propagation":           "mounts are private: remove it",
	"services.*.volumes.[].bind.selinux":               "files on the shared drive are not relabelled: remove `z` or `Z` and set the drive's label with the mount option context=",
	"services.*.volumes.[].image":                      "mounting an image is not supported: put its files into the blueprint's folder or a named volume",
	"services.*.deploy.labels":                         "services have no labels of their own: use `labels`",
	"services.*.deploy.placement":                      "a portal is placed as a whole: remove it",
	"services.*.deploy.endpoint_mode":                  "a service's name resolves to all of its containers: remove it",
	"services.*.deploy.rollback_config":                "an update that fails is rolled back always: remove it",
	"services.*.deploy.update_config":                  "only `order` (start-first or stop-first) can be chosen: containers are replaced one after the other, and put back when the new one is not healthy",
	"services.*.deploy.restart_policy.delay":           "Docker's own delay is used, which grows with each restart: remove it",
	"services.*.deploy.restart_policy.window":          "Docker itself decides when a start has succeeded: remove it",
	"services.*.depends_on.*.restart":                  "a service is not restarted with another one: remove it",
	"services.*.develop":                               "this is for a developer's machine: remove it",
	"services.*.provider":                              "other tools are not run: describe the service itself, or remove it",
	"services.*.models":                                "run the model server as a service",
	"services.*.pre_start":                             "use a service with `x-portal: {task: deploy}` and depend on it with service_completed_successfully",
	"services.*.post_start":                            "use a service with `x-portal: {task: deploy}`",
	"services.*.pre_stop":                              "let the program handle `stop_signal`, with enough `stop_grace_period`",
	"services.*.label_file":                            "write the labels under `labels`",
	"services.*.platform":                              "give an image for the hosts' own architecture",
	"services.*.runtime":                               "containers run with the host's default runtime: remove it",
	"services.*.oom_kill_disable":                      "it can stop a whole host: raise `mem_limit`",
	"services.*.memswap_limit":                         "swap follows `mem_limit`: remove it",
	"services.*.domainname":                            "write the whole name as `hostname`",
	"services.*.networks.*.ipv4_address":               "addresses are given by Docker: use the service's name",
	"services.*.networks.*.ipv6_address":               "addresses are given by Docker: use the service's name",
	"networks.*.external":                              "a portal's network is its own: to reach it from outside, publish a port",
	"networks.*.ipam":                                  "subnets come from the provider's `subnet_pool`: remove it",
	"networks.*.name":                                  "networks are named <portal>_<network>: remove it",
	"networks.*.attachable":                            "containers that are not the portal's do not join its networks: remove it",
	"volumes.*.external":                               "a volume is a directory of the portal on the shared drive: remove it, and copy the data to data/<volume> there",
	"volumes.*.driver":                                 "a volume is a directory of the portal on the shared drive: remove it",
	"volumes.*.driver_opts":                            "a volume is a directory of the portal on the shared drive: remove it",
	"volumes.*.name":                                   "a volume is the directory data/<volume> of the portal: remove it",
	"volumes.*.labels":                                 "a volume is a directory and has no labels: remove it",
	"configs.*.external":                               "give the content, or a file of the blueprint's folder",
	"configs.*.environment":                            "the environment of the machine that runs Terraform is not read: give the content, or a file",
	"configs.*.name":                                   "remove it: files are named after their content",
	"secrets.*.external":                               "have it generated with `x-portal: {generate: true}`, or give a file of the blueprint's folder",
	"secrets.*.environment":                            "the environment of the machine that runs Terraform is not read: have the secret generated with `x-portal: {generate: true}`",
	"secrets.*.name":                                   "remove it: files are named after their content",
	"secrets.*.driver":                                 "have it generated with `x-portal: {generate: true}`, or give a file of the blueprint's folder",
}

func supportedPaths() []tree.Path {
	var paths []tree.Path
	for _, p := range slices.Concat(supported, harmless) {
		paths = append(paths, tree.Path(p))
	}
	return paths
}

// refuseUnsupported notes the attributes that are not supported, of the
// services that are on.
func (b *builder) refuseUnsupported(found []loader.UnsupportedAttribute) {
	for _, attribute := range found {
		parts := attribute.Path.Parts()
		if parts[0] == "services" && len(parts) > 1 {
			if _, on := b.project.Services[parts[1]]; !on {
				continue
			}
		}
		if attribute.Value == generatedMark || insignificant(attribute.Value) {
			continue
		}
		b.refuse(strings.ReplaceAll(string(attribute.Path), ".[]", "[]"), "this is not supported; %s", adviceFor(attribute.Path))
	}
}

// insignificant tells a value that says the same as none.
func insignificant(value any) bool { return value == nil || value == false || value == "" }

// adviceFor finds the advice for a path or the nearest path above it.
func adviceFor(p tree.Path) string {
	parts := p.Parts()
	for n := len(parts); n > 0; n-- {
		above := tree.NewPath(parts[:n]...)
		for pattern, text := range advice {
			if above.Matches(tree.Path(pattern)) {
				return text
			}
		}
	}
	return "remove it"
}
