<?php
// This file is part of Moodle - https://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <https://www.gnu.org/licenses/>.

/**
 * French strings.
 *
 * @package    local_progressbridge
 * @copyright  2026 Progress bridge contributors
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

defined('MOODLE_INTERNAL') || die();

$string['apikey'] = 'Clé';
$string['apikey_desc'] = 'La clé serveur de ce Moodle, telle que <code>progress-bridge keys new --name moodle --origin moodle --right write --right erase</code> l’a affichée.';
$string['apikey_invalid'] = 'Cela ne peut pas être une clé : une clé ne contient ni espace ni accent. Copiez à nouveau la ligne entière que la commande a affichée.';
$string['asoftoday'] = 'Enregistrer à la date du jour';
$string['categories'] = 'Catégories de cours';
$string['categories_desc'] = 'Les cours de ces catégories et de leurs sous-catégories sont transmis. Si aucune catégorie ni aucun cours n’est choisi, tous les cours le sont.';
$string['categorydeleted'] = '(catégorie supprimée {$a})';
$string['check:failed'] = 'La dernière tentative, le {$a->time}, a échoué : {$a->words}';
$string['check:never'] = 'Rien n’a encore été transmis à la passerelle de progression, et la connexion n’a pas été testée.';
$string['check:ok'] = 'Les achèvements arrivent à la passerelle de progression. Le dernier succès date du {$a}.';
$string['check:refused'] = 'Achèvements refusés : {$a}. La page d’état dit pourquoi.';
$string['check:tested'] = 'La connexion fonctionne : le test du {$a} a réussi. Rien n’a encore été transmis à la passerelle de progression.';
$string['check:waiting'] = 'Quelque chose attend la passerelle de progression depuis {$a}.';
$string['checkdelivery'] = 'Passerelle de progression';
$string['cli:help'] = 'Transmet à la passerelle de progression tout ce qui ne l’est pas encore.

Options :
-a, --again   Parcourt tous les achèvements depuis le début, et non là où le dernier parcours s’est arrêté.
-h, --help    Affiche cette aide.

On peut l’arrêter et le relancer à tout moment.';
$string['cli:progress'] = 'Achèvements confirmés jusqu’ici : {$a}';
$string['connection'] = 'Tester la connexion';
$string['connection:test'] = 'Tester maintenant';
$string['connection_help'] = 'Demande à la passerelle si elle connaît la clé et ce que la clé permet. Aucun achèvement n’est envoyé. Si le test réussit, une erreur antérieure est levée et une pause demandée par la passerelle prend fin.';
$string['courses'] = 'Cours';
$string['courses_desc'] = 'Noms abrégés de cours transmis en plus, un par ligne.';
$string['courses_unknown'] = 'Aucun cours n’a ce nom abrégé : {$a}';
$string['failure:answer'] = 'La passerelle a donné une réponse que ce plugin ne comprend pas. Rien n’est perdu ; les versions de la passerelle et du plugin vont-elles ensemble ? {$a}';
$string['failure:blocked'] = 'C’est Moodle qui bloque {$a} : par défaut, il n’appelle ni adresse privée, ni port autre que 80 et 443. Modifiez les listes des hôtes bloqués et des ports autorisés dans Administration du site > Général > Sécurité > Sécurité HTTP, ou faites répondre la passerelle sur le port 443 d’une adresse publique.';
$string['failure:connect'] = 'Rien n’accepte de connexion à {$a}. La passerelle y tourne-t-elle, et le pare-feu laisse-t-il passer ce serveur ?';
$string['failure:dns'] = 'Le nom d’hôte {$a} est introuvable. Est-il bien orthographié ?';
$string['failure:forbidden'] = 'La passerelle connaît la clé, mais celle-ci ne permet pas cela : il lui faut l’origine moodle et les droits write et erase. {$a}';
$string['failure:insecure'] = 'L’adresse {$a} est inutilisable : elle doit commencer par https:// (ou être sur cette machine même) et ne contenir ni nom d’utilisateur ni point d’interrogation.';
$string['failure:key'] = 'La passerelle n’accepte pas la clé. A-t-elle été révoquée, ou copiée incomplètement ?';
$string['failure:network'] = 'La connexion à {$a} s’est interrompue.';
$string['failure:notabridge'] = 'Ce qui répond à {$a} n’est pas une passerelle de progression que ce plugin comprend. L’adresse est-elle complète, sans /v1 à la fin ?';
$string['failure:notconfigured'] = 'L’adresse de la passerelle et la clé ne sont pas encore réglées.';
$string['failure:ratelimited'] = 'La passerelle demande moins de requêtes. L’envoi reprendra de lui-même.';
$string['failure:timeout'] = 'La passerelle n’a pas répondu en {$a} s. L’envoi reprendra de lui-même ; si cela dure, augmentez le délai dans les réglages.';
$string['failure:tls'] = 'Pas de connexion TLS de confiance avec {$a} : son certificat est expiré, établi pour un autre nom d’hôte, ou d’une autorité que ce serveur ne connaît pas. Corrigez le certificat, ou ajoutez son autorité à celles de ce serveur.';
$string['failure:unavailable'] = 'La passerelle ne peut rien recevoir pour l’instant. L’envoi reprendra de lui-même. {$a}';
$string['forget'] = 'Oublier';
$string['forgotten'] = 'Ces achèvements sont oubliés. Rien n’en a été enregistré.';
$string['ignored'] = 'Activités ignorées';
$string['ignored:activity'] = 'Activité';
$string['ignored:coursetracking'] = 'Le suivi d’achèvement est désactivé dans le cours.';
$string['ignored:idnumber'] = 'Elle n’a pas de numéro d’identification.';
$string['ignored:none'] = 'Aucune activité n’est ignorée.';
$string['ignored:reason'] = 'Raison';
$string['ignored:tracking'] = 'Son suivi d’achèvement est désactivé.';
$string['ignored_help'] = 'Rien n’est transmis de ces activités, bien que leurs cours le soient : chacune a soit le suivi d’achèvement, soit un numéro d’identification, mais pas l’autre. Le lien mène à ses réglages. Les activités qui n’ont ni l’un ni l’autre ne figurent pas ici.';
$string['pace'] = 'Rythme';
$string['pace_desc'] = 'Nombre maximal d’achèvements envoyés à chaque exécution de la tâche programmée, de 1 à 200000 ; un champ vide ou 0 veut dire 10000. Elle s’exécute toutes les 5 minutes, sauf si vous changez cela : 10000 font jusqu’à 120000 par heure. Elle envoie ce qu’aucun événement n’a annoncé, et l’historique d’un ancien site.';
$string['pace_invalid'] = 'Le rythme est un nombre entier de 1 à {$a}. Un champ vide ou 0 veut dire la valeur par défaut.';
$string['pluginname'] = 'Passerelle de progression';
$string['privacy:metadata:bridge'] = 'Les activités achevées sont transmises à la passerelle de progression, qui conserve la progression d’un apprenant dans Moodle et sur d’autres plateformes. Ni nom ni adresse de courriel ne sont transmis.';
$string['privacy:metadata:bridge:completed'] = 'Quand l’activité a été achevée.';
$string['privacy:metadata:bridge:grain'] = 'Le numéro d’identification de l’activité et celui de son cours, qui désignent le grain, sa séquence et son module.';
$string['privacy:metadata:bridge:userid'] = 'Le numéro de l’utilisateur dans ce Moodle.';
$string['privacy:metadata:erase'] = 'Les utilisateurs dont le dossier est à effacer de la passerelle, ou l’a été.';
$string['privacy:metadata:erase:timeerased'] = 'Quand la passerelle l’a effacé.';
$string['privacy:metadata:erase:userid'] = 'L’utilisateur.';
$string['privacy:metadata:item'] = 'Les activités achevées telles qu’elles sont transmises, et ce que chacune est devenue : en attente d’envoi, confirmée ou refusée.';
$string['privacy:metadata:item:attempts'] = 'Combien de fois la passerelle a répondu à son sujet.';
$string['privacy:metadata:item:cmid'] = 'L’activité.';
$string['privacy:metadata:item:courseidnumber'] = 'Le numéro d’identification du cours, tel qu’il est transmis.';
$string['privacy:metadata:item:idnumber'] = 'Le numéro d’identification de l’activité, tel qu’il est transmis.';
$string['privacy:metadata:item:reason'] = 'Pourquoi elle a été refusée.';
$string['privacy:metadata:item:status'] = 'Si elle attend, a été confirmée ou refusée.';
$string['privacy:metadata:item:timeasof'] = 'La date d’achèvement choisie par un administrateur, là où Moodle n’en a pas de vraie.';
$string['privacy:metadata:item:timecompleted'] = 'La date d’achèvement, telle qu’elle est transmise.';
$string['privacy:metadata:item:timenext'] = 'Quand elle sera transmise à nouveau, si elle est en avance sur l’horloge de la passerelle.';
$string['privacy:metadata:item:userid'] = 'L’utilisateur.';
$string['privacy:metadata:timecreated'] = 'Quand cela a été noté pour la première fois.';
$string['privacy:metadata:timemodified'] = 'Quand cela a changé pour la dernière fois.';
$string['refusal:before_2000'] = 'Moodle n’a pas de date d’achèvement, ou en a une d’avant 2000, que la passerelle ne prend pas. Rétablissez la vraie date dans Moodle, ou enregistrez à la date du jour : c’est alors la date d’aujourd’hui que le dossier indiquera.';
$string['refusal:empty'] = 'Une partie du numéro d’identification de l’activité ou de son cours ne contient que des blancs. Écrivez grain, ou module/séquence/grain.';
$string['refusal:emptypart'] = 'Le numéro d’identification a une partie vide entre ses barres obliques. Écrivez grain, ou module/séquence/grain.';
$string['refusal:no_such_instant'] = 'La date d’achèvement qu’a Moodle n’existe dans aucun calendrier. Rétablissez la vraie date dans Moodle, ou enregistrez à la date du jour : c’est alors la date d’aujourd’hui que le dossier indiquera.';
$string['refusal:not_an_instant'] = 'La date d’achèvement qu’a Moodle n’en est pas une ; elle est peut-être en millisecondes. Rétablissez la vraie date dans Moodle, ou enregistrez à la date du jour : c’est alors la date d’aujourd’hui que le dossier indiquera.';
$string['refusal:not_printable'] = 'Le numéro d’identification de l’activité ou de son cours contient un caractère qui ne s’imprime pas, par exemple une espace invisible. Saisissez-le à nouveau.';
$string['refusal:other'] = 'La passerelle répond : {$a}';
$string['refusal:parts'] = 'Le numéro d’identification n’a ni une partie ni trois. Écrivez grain, ou module/séquence/grain.';
$string['refusal:too_far_ahead'] = 'La date d’achèvement est en avance de plus de 5 minutes sur l’horloge de la passerelle. Comparez les horloges des deux serveurs. L’envoi sera réessayé de lui-même à cette date ; si elle est fausse, rétablissez la vraie date dans Moodle, ou enregistrez à la date du jour : c’est alors la date d’aujourd’hui que le dossier indiquera.';
$string['refusal:too_long'] = 'Le numéro d’identification de l’activité ou de son cours est trop long pour la passerelle. Raccourcissez-le.';
$string['refused:gone'] = 'L’achèvement, l’activité ou son numéro d’identification n’est plus dans Moodle : on peut réessayer tel qu’il a été noté, ou oublier.';
$string['refused:idnumber'] = 'Numéro d’identification';
$string['refused:learners'] = 'Apprenants';
$string['refused:more'] = 'Il y en a d’autres ; voici les plus fréquents.';
$string['refused:reason'] = 'Raison';
$string['refused_help'] = 'Un nouveau numéro d’identification de l’activité ou de son cours est remarqué tout seul, de même qu’une date d’achèvement rétablie. Pour toute autre raison, corrigez puis réessayez.';
$string['retried'] = 'Ces achèvements attendent à nouveau et seront envoyés d’ici quelques minutes.';
$string['retry'] = 'Réessayer';
$string['retryall'] = 'Tout réessayer';
$string['settings'] = 'Réglages de la passerelle de progression';
$string['status'] = 'État';
$string['status0'] = 'en attente';
$string['status1'] = 'confirmé';
$string['status2'] = 'refusé';
$string['status:acknowledged'] = 'Confirmés';
$string['status:ahead'] = 'Dont en avance sur l’horloge de la passerelle : transmis quand leur heure viendra';
$string['status:erasures'] = 'Apprenants en attente d’effacement';
$string['status:ignored'] = 'Activités ignorées';
$string['status:lastsuccess'] = 'Dernier succès';
$string['status:lasttest'] = 'Dernier test de connexion réussi';
$string['status:lastwalk'] = 'Dernier parcours complet des achèvements';
$string['status:pause'] = 'Pause demandée par la passerelle, jusqu’au';
$string['status:percent'] = '{$a} %';
$string['status:refused'] = 'Refusés';
$string['status:since'] = '{$a->number}, le plus ancien depuis {$a->since}';
$string['status:unknowncategories'] = 'Catégories choisies qui n’existent pas';
$string['status:unknowncourses'] = 'Cours choisis qui n’existent pas';
$string['status:waiting'] = 'En attente';
$string['status:walk'] = 'Parcouru cette fois';
$string['task:erase'] = 'Effacer des apprenants de la passerelle de progression';
$string['task:paused'] = 'La passerelle a demandé une pause jusqu’au {$a}. Un test de connexion réussi y met fin plus tôt.';
$string['task:reconcile'] = 'Envoyer ce que la passerelle de progression n’a pas confirmé';
$string['task:send'] = 'Envoyer des achèvements à la passerelle de progression';
$string['test:kind'] = 'C’est le jeton d’un apprenant, pas une clé serveur.';
$string['test:ok'] = 'Tout va bien : la passerelle (version {$a->second}) connaît la clé {$a->first}, qui permet d’écrire et d’effacer pour Moodle.';
$string['test:origin'] = 'La clé n’est pas pour l’origine moodle, mais pour : {$a->first}';
$string['test:righterase'] = 'Il manque à la clé le droit erase : les utilisateurs supprimés resteraient dans le dossier.';
$string['test:rightwrite'] = 'Il manque à la clé le droit write : aucun achèvement ne pourrait être enregistré.';
$string['test:version'] = 'La passerelle est en version {$a->first} ; il faut à ce plugin la version {$a->second} ou une plus récente.';
$string['timeout'] = 'Délai d’attente';
$string['timeout_desc'] = 'Combien de temps attendre la passerelle, de 1 à 60 secondes ; un champ vide ou 0 veut dire 10. Les apprenants n’attendent jamais : l’envoi est fait par des tâches d’arrière-plan.';
$string['timeout_invalid'] = 'Le délai d’attente est un nombre entier de secondes de 1 à {$a}. Un champ vide ou 0 veut dire la valeur par défaut.';
$string['uninstall:left'] = 'Apprenants qui attendaient d’être effacés de la passerelle de progression et n’ont pas pu l’être : {$a->learners}. {$a->failure} Ce que la passerelle a enregistré d’eux y reste, tant que personne n’exécute ceci là où tourne la passerelle, pour chacun de ces numéros : progress-bridge erase moodle NUMÉRO';
$string['uninstall:waiting'] = 'Apprenants en attente d’effacement de la passerelle de progression : {$a}. La désinstallation essaie une fois de les effacer ; qui ne peut l’être alors reste dans le dossier de la passerelle, et ce Moodle oublie la demande. Mieux vaut d’abord corriger ce que dit la page d’état, et attendre qu’il n’y reste personne.';
$string['url'] = 'Adresse de la passerelle';
$string['url_desc'] = 'Par exemple https://bridge.example.org. Par défaut, Moodle bloque les adresses privées et les ports autres que 80 et 443 (Administration du site > Général > Sécurité > Sécurité HTTP) ; <em>Tester la connexion</em> dit s’il bloque celle-ci.';
