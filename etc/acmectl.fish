# fish completion for acmectl(1)
# SPDX-License-Identifier: MIT

function __acmectl_words
	# What is on the line behind the options: the command, then names.
	set -l skip 0
	for word in (commandline -opc)[2..-1]
		if test $skip = 1
			set skip 0
		else if contains -- $word -s --socket -c --config --color --until --challenge --provider --option --webroot --listen --reload --verify --key --csr --profile --name --account --directory --ca-file --email --dns --env-file --format --password-file --reason --by --serial --expires-within --due-within --days
			set skip 1
		else if contains -- $word -w --warning --critical
			set skip 1
		else if not string match -q -- '-*' $word
			echo $word
		end
	end
end

function __acmectl_ask
	# acmectl, with the socket of the line.
	set -l words (commandline -opc)
	set -l socket
	for i in (seq (count $words))
		if contains -- $words[$i] -s --socket
			set socket --socket $words[(math $i + 1)]
		end
	end
	acmectl $socket $argv 2>/dev/null
end

function __acmectl_at
	# Is it this command, with so many names behind it?
	set -l words (__acmectl_words)
	test (count $words) -gt 0; or return 1
	contains -- $words[1] (string split , $argv[1]); or return 1
	test (count $argv) -lt 2; or test (count $words) -eq (math $argv[2] + 1)
end

complete -c acmectl -f
complete -c acmectl -s s -l socket -r -F -d 'where acmed listens'
complete -c acmectl -s c -l config -r -F -d 'acmed.conf'
complete -c acmectl -s j -l json -d 'print what acmed says, as JSON'
complete -c acmectl -l color -x -a 'auto always never' -d 'colours'
complete -c acmectl -s h -l help -d 'print a summary'
complete -c acmectl -s V -l version -d 'print the version'

set -l none 'not count (__acmectl_words) >/dev/null'
complete -c acmectl -n $none -a add -d 'configure a certificate, check, and obtain it'
complete -c acmectl -n $none -a status -d 'what acmed does, and with which certificates'
complete -c acmectl -n $none -a renew-now -d 'renew now, and show each step'
complete -c acmectl -n $none -a check -d 'would a renewal work, and if not, why'
complete -c acmectl -n $none -a plan -d 'what is done next, and when'
complete -c acmectl -n $none -a history -d 'the last steps of a certificate'
complete -c acmectl -n $none -a show -d 'all that is known of a certificate'
complete -c acmectl -n $none -a cleanup -d 'what is still to be removed'
complete -c acmectl -n $none -a edit -d 'change its section in an editor, and reload'
complete -c acmectl -n $none -a pause -d 'begin no renewal of it'
complete -c acmectl -n $none -a resume -d 'renew it again'
complete -c acmectl -n $none -a rename -d 'give it another name of its own'
complete -c acmectl -n $none -a remove -d 'take it out of the configuration'
complete -c acmectl -n $none -a delete -d 'remove the files of one that is not configured'
complete -c acmectl -n $none -a revoke -d 'replace the certificate, then revoke the old one'
complete -c acmectl -n $none -a account -d 'accounts of CAs'
complete -c acmectl -n $none -a rollout -d 'of one that hosts take in waves'
complete -c acmectl -n $none -a cluster -d 'the daemons that share the work'
complete -c acmectl -n $none -a host -d 'hosts with keys of their own'
complete -c acmectl -n $none -a deploy -d 'deploy again, without renewing'
complete -c acmectl -n $none -a rollback -d 'go back to the previous certificate'
complete -c acmectl -n $none -a events -d 'show the steps of all renewals as they come'
complete -c acmectl -n $none -a persist -d 'the standing records for dns-persist-01'
complete -c acmectl -n $none -a export -d 'copy a certificate, for something else'
complete -c acmectl -n $none -a put -d 'hand over a certificate that was bought'
complete -c acmectl -n $none -a import -d 'take over what another ACME client has'
complete -c acmectl -n $none -a reload -d 'read the configuration again'
complete -c acmectl -n $none -a list -d 'the names of the certificates'
complete -c acmectl -n $none -a notify-test -d 'send a test message to people'
complete -c acmectl -n $none -a providers -d 'the types of DNS providers, and the options of one'
complete -c acmectl -n $none -a clouds -d 'the cloud products for certificates, and the options of one'
complete -c acmectl -n $none -a version -d 'versions of acmectl and acmed'
complete -c acmectl -n $none -a help -d 'a summary'

complete -c acmectl -n '__acmectl_at add' -l challenge -x -a 'http-01 tls-alpn-01 dns-01' -d 'how the names are proved'
complete -c acmectl -n '__acmectl_at add' -l listen -x -a systemd -d 'acmed answers there by itself'
complete -c acmectl -n '__acmectl_at add' -l provider -x -a "(__acmectl_ask list providers; __acmectl_ask providers | string replace -r ' .*' '')" -d 'the DNS provider, or the type of a new one'
complete -c acmectl -n '__acmectl_at add' -l option -x -d 'an option of the new provider'
complete -c acmectl -n '__acmectl_at add' -l webroot -x -a '(__fish_complete_directories)' -d 'prove the names by files'
complete -c acmectl -n '__acmectl_at add' -l reload -x -d 'reload this service after each renewal'
complete -c acmectl -n '__acmectl_at add' -l verify -x -d 'look there for the new certificate'
complete -c acmectl -n '__acmectl_at add' -l key -x -a 'ec256 ec384 rsa2048 rsa3072 rsa4096 ec256,rsa2048' -d 'type of the key'
complete -c acmectl -n '__acmectl_at add' -l csr -r -d 'a certificate request, whose key is elsewhere'
complete -c acmectl -n '__acmectl_at add' -l name -x -d "the certificate's own name"
complete -c acmectl -n '__acmectl_at add' -l profile -x -d "the CA's profile"
complete -c acmectl -n '__acmectl_at add' -l account -x -a '(__acmectl_ask list accounts)' -d 'the account to use'
complete -c acmectl -n '__acmectl_at add' -l directory -x -d 'a new account at this CA'
complete -c acmectl -n '__acmectl_at add' -l staging -d "at Let's Encrypt's staging CA"
complete -c acmectl -n '__acmectl_at add' -l ca-file -r -F -d "what a private CA's server is checked with"
complete -c acmectl -n '__acmectl_at add' -l email -x -d "the new account's contact"
complete -c acmectl -n '__acmectl_at add' -l agree-tos -d "you agree to the CA's terms of service"
complete -c acmectl -n '__acmectl_at add' -l force -d 'go on although the check found failures'
complete -c acmectl -n '__acmectl_at status' -l check -d 'exit with 1 if something needs a person'
complete -c acmectl -n '__acmectl_at status' -l watch -d 'stay, and show what changes'
complete -c acmectl -n '__acmectl_at status' -l failing -d 'only those that are not well'
complete -c acmectl -n '__acmectl_at status' -l all-hosts -d 'what each host serves'
complete -c acmectl -n '__acmectl_at status' -l expires-within -x -d 'only those that end so soon'
complete -c acmectl -n '__acmectl_at check-status' -s w -l warning -x -d 'warn if a certificate ends so soon'
complete -c acmectl -n '__acmectl_at check-status' -s c -l critical -x -d 'the same of what is critical'
complete -c acmectl -n '__acmectl_at renew-now' -l all -d 'all certificates'
complete -c acmectl -n '__acmectl_at renew-now' -l failed -d 'those that are not well'
complete -c acmectl -n '__acmectl_at renew-now' -l due-within -x -d 'those that are due so soon'
complete -c acmectl -n '__acmectl_at renew-now' -l dry-run -d "try it at the CA's staging directory"
complete -c acmectl -n '__acmectl_at renew-now' -l directory -x -d 'the directory for --dry-run'
complete -c acmectl -n '__acmectl_at plan' -l days -x -d 'how far to look'
complete -c acmectl -n '__acmectl_at show' -l pem -d 'the chain, as PEM'
complete -c acmectl -n '__acmectl_at check' -l write-caa -d 'let the provider add CAA records that let only this account issue'
complete -c acmectl -n '__acmectl_at check' -l no-probe -d 'add no TXT value to prove the credentials'
complete -c acmectl -n '__acmectl_at persist' -l write -d 'let the provider write the records'
complete -c acmectl -n '__acmectl_at persist' -l remove -d 'let the provider remove them'
complete -c acmectl -n '__acmectl_at pause' -l until -x -d 'when renewals begin again'
complete -c acmectl -n '__acmectl_at revoke' -l reason -x -a 'keycompromise superseded cessationofoperation affiliationchanged unspecified' -d 'why'
complete -c acmectl -n '__acmectl_at revoke' -l only -d 'issue no replacement'
complete -c acmectl -n '__acmectl_at revoke' -l cancel -d 'give up what is still to be revoked'
complete -c acmectl -n '__acmectl_at revoke' -l by -x -a 'account certificate' -d 'who signs'
complete -c acmectl -n '__acmectl_at revoke' -l serial -x -d 'an earlier certificate'
complete -c acmectl -n '__acmectl_at revoke' -l force -d 'although the CA asked to wait'
complete -c acmectl -n '__acmectl_at account 0' -a 'list show register update rollover deactivate export import'
complete -c acmectl -n '__acmectl_at rollout 0' -a '(__acmectl_ask list)'
complete -c acmectl -n '__acmectl_at rollout 1' -a 'continue stop rollback'
complete -c acmectl -n '__acmectl_at cluster 0' -a status
complete -c acmectl -n '__acmectl_at host 0' -a 'list show add remove key forget'
complete -c acmectl -n '__acmectl_at host 1' -a '(__acmectl_ask list hosts)'
complete -c acmectl -n '__acmectl_at account 1' -a '(__acmectl_ask list accounts)'
complete -c acmectl -n '__acmectl_at account 2' -F
complete -c acmectl -n '__acmectl_at account' -l force -d 'import: in place of another key'
complete -c acmectl -n '__acmectl_at check,delete,revoke,account' -l yes -d 'do not ask'
complete -c acmectl -n '__acmectl_at persist' -l until -x -d 'when they end'
complete -c acmectl -n '__acmectl_at export' -l format -x -a 'pem pkcs12 certbot' -d 'of what kind'
complete -c acmectl -n '__acmectl_at export' -l password-file -r -F -d 'the password of pkcs12'
complete -c acmectl -n '__acmectl_at export 0' -a '(__acmectl_ask list)'
complete -c acmectl -n '__acmectl_at put 0' -a '(__acmectl_ask list)'
complete -c acmectl -n '__acmectl_at put 1' -F
complete -c acmectl -n '__acmectl_at put 2' -F
complete -c acmectl -n '__acmectl_at export 1' -a '(__fish_complete_directories)'
complete -c acmectl -n '__acmectl_at list 0' -a 'targets channels accounts providers hosts'
complete -c acmectl -n '__acmectl_at list 1; and contains targets (__acmectl_words)' -a '(__acmectl_ask list)'
complete -c acmectl -n '__acmectl_at import' -l dry-run -d 'only show what would be done'
complete -c acmectl -n '__acmectl_at import' -l yes -d 'do not ask'
complete -c acmectl -n '__acmectl_at import' -l dns -x -d 'DNS provider of lego'
complete -c acmectl -n '__acmectl_at import' -l env-file -r -F -d 'environment of lego'
complete -c acmectl -n '__acmectl_at import' -l directory -x -d 'the CA of lego'
complete -c acmectl -n '__acmectl_at import' -l switch -d 'then disable the timer of the other client'
complete -c acmectl -n '__acmectl_at import' -l provider -x -a '(__acmectl_ask list providers)' -d 'for names whose DNS provider is not told'
complete -c acmectl -n '__acmectl_at import' -l webroot -r -a '(__fish_complete_directories)' -d 'a directory that the web server serves'
complete -c acmectl -n '__acmectl_at add,deploy,renew-now,rollback,put' -l no-wait -d 'do not wait for the end'
complete -c acmectl -n '__acmectl_at renew-now,rollback' -l force -d 'renew although the CA asked to wait; roll back also to an expired certificate'

complete -c acmectl -n '__acmectl_at renew-now,check' -a '(__acmectl_ask list)'
complete -c acmectl -n '__acmectl_at status,deploy,rollback,events,persist,edit,pause,resume,remove,rename,revoke,history,show 0' -a '(__acmectl_ask list)'
complete -c acmectl -n '__acmectl_at deploy 1' -a '(__acmectl_ask list targets (__acmectl_words)[2])'
complete -c acmectl -n '__acmectl_at import 0' -a 'certbot acme.sh lego dehydrated uacme caddy'
complete -c acmectl -n '__acmectl_at import 1' -a '(__fish_complete_directories)'
complete -c acmectl -n '__acmectl_at notify-test 0' -a '(__acmectl_ask list channels)'
complete -c acmectl -n '__acmectl_at providers 0' -a "(__acmectl_ask providers | string replace -r ' .*' '')"
complete -c acmectl -n '__acmectl_at clouds 0' -a "(__acmectl_ask clouds | string replace -r ' .*' '')"
