/* cli.h: the commands of the program.
 *
 * Each takes its own name as argv[0], says on stdout and stderr what it has to
 * say, and returns the exit code: a value of mlp_status, or 128 + the number of
 * the signal that ended it.
 */
#ifndef MLP_CLI_CLI_H
#define MLP_CLI_CLI_H

int mlp_cmd_train(int argc, char **argv);
int mlp_cmd_eval(int argc, char **argv);
int mlp_cmd_predict(int argc, char **argv);
int mlp_cmd_info(int argc, char **argv);
int mlp_cmd_data(int argc, char **argv);

/* Designed, and still to be made. */
int mlp_cmd_unsupported(int argc, char **argv);

#endif
