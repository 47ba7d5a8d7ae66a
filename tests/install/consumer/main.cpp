// Grows into the README's example as soon as there is an Mdp to solve.
int main() {}
