# The default policy, equal in meaning to infra/policy/default.yaml: harmless tools are open to everybody, and what no rule
# allows is denied. SomaAgent asks for data.soma.policy.allow (POLICY_DATA_PATH=/v1/data/soma/policy/allow); with
# POLICY_DATA_PATH=/v1/data/soma/policy/decision the reason is told as well.
#
# input: {tenant, persona_id, action, resource, context: {args, metadata}}
#   action    tool.execute | memory.write | conversation.send
#   metadata  comes from the client: never allow something because of it
package soma.policy

default allow := false

allow if {
	input.action == "tool.execute"
	input.resource in harmless
	count(deny) == 0
}

harmless := {"echo", "timestamp", "http_fetch", "code_execute", "file_read", "document_ingest", "memory_recall", "memory_remember", "memory_forget", "delegate", "delegation_callback", "schedule", "schedule_list", "schedule_cancel"}

# What is remembered stays within its tenant; the resource is the namespace.
allow if {
	input.action == "memory.write"
	count(deny) == 0
}

# Reasons to say no although a rule above says yes. For instance:
# deny contains "Acme's agents do not browse." if {
# 	input.tenant == "acme"
# 	input.resource == "http_fetch"
# }
deny contains reason if {
	some reason in set()
}

decision := {"allow": allow, "reason": reason}

default reason := "No rule of the policy allows it."

reason := "Harmless tools are open to everybody." if allow

reason := concat(" ", sort(deny)) if {
	not allow
	count(deny) > 0
}
